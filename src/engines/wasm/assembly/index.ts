/**
 * The module every thread runs: takes tiles of a list of commands until none are left. Memory is
 * imported and shared; a module has no data of its own but which tile shapes are fast here.
 */
import { COMMAND_BYTES, END_TILE, FINISHED_TILES, NEXT_TILE, Op, TOTAL_TILES } from '../opcodes';
import { attention } from './attention';
import { packKeys, packValues } from './attention-float';
import { packKeysInt8, packValuesInt8 } from './attention-int8';
import { activate, add, addRow, copyRows, gatherRows, interpolate, layerNorm, maskRows, multiply, rowProducts } from './elementwise';
import { gemm } from './gemm';
import { gemmInt8, quantizeRows } from './gemm-int8';
import { paintingHead } from './painting-head';
import { depthwise, neighbourhoods, patchify, pixelShuffle } from './pictures';
import { setWide } from './tile-f32';
import { setDotKind, setOnes } from './tile-int8';
import { writeCoefficients } from './vector-math';

/** Looks at a finished-counter this often before giving up the processor. */
const SPINS: i32 = 4000;

/**
 * @param wideTiles see `tile-f32.ts`
 * @param dot a `DotKind`
 * @param ones four bytes this module may write
 */
export function configure(wideTiles: bool, dot: i32, ones: usize): void {
  setWide(wideTiles);
  setDotKind(dot);
  setOnes(ones);
  writeCoefficients();
}

/**
 * Runs commands together with whoever else runs the same list.
 *
 * @param thread index of this thread, for scratch memory
 * @returns commands finished: `count`, or fewer where others are still at work on the next; call again.
 */
export function run(list: usize, count: i32, thread: i32): i32 {
  for (let i: i32 = 0; i < count; i++) {
    const command = list + <usize>i * COMMAND_BYTES;
    const end = load<i32>(command + (<usize>END_TILE << 2));
    const next = command + (<usize>NEXT_TILE << 2);
    const finished = command + (<usize>FINISHED_TILES << 2);
    const total = load<i32>(command + (<usize>TOTAL_TILES << 2));
    while (true) {
      const tile = atomic.add<i32>(next, 1);
      if (tile >= end) break;
      execute(command, tile, thread);
      if (atomic.add<i32>(finished, 1) + 1 == total) atomic.notify(finished, -1);
    }
    let spins: i32 = 0;
    while (atomic.load<i32>(finished) < total) {
      if (++spins > SPINS) return i;
    }
  }
  return count;
}

function execute(command: usize, tile: i32, thread: i32): void {
  switch (load<i32>(command)) {
    case Op.Gemm: gemm(command, tile, thread); break;
    case Op.GemmInt8: gemmInt8(command, tile, thread); break;
    case Op.QuantizeRows: quantizeRows(command, tile); break;
    case Op.LayerNorm: layerNorm(command, tile); break;
    case Op.Activate: activate(command, tile); break;
    case Op.Add: add(command, tile); break;
    case Op.Multiply: multiply(command, tile); break;
    case Op.AddRow: addRow(command, tile); break;
    case Op.CopyRows: copyRows(command, tile); break;
    case Op.GatherRows: gatherRows(command, tile); break;
    case Op.MaskRows: maskRows(command, tile); break;
    case Op.Interpolate: interpolate(command, tile); break;
    case Op.RowProducts: rowProducts(command, tile); break;
    case Op.Patchify: patchify(command, tile); break;
    case Op.PixelShuffle: pixelShuffle(command, tile); break;
    case Op.Neighbourhoods: neighbourhoods(command, tile); break;
    case Op.Depthwise: depthwise(command, tile); break;
    case Op.PackKeys: packKeys(command, tile); break;
    case Op.PackValues: packValues(command, tile); break;
    case Op.PackKeysInt8: packKeysInt8(command, tile); break;
    case Op.PackValuesInt8: packValuesInt8(command, tile); break;
    case Op.Attention: attention(command, tile, thread); break;
    case Op.PaintingHead: paintingHead(command, tile, thread); break;
    default: unreachable();
  }
}
