import { fusedHeads } from '../../engines/attention-plan';
import type {
  Engine,
  EngineTensor,
  LayerNormWeights,
  LinearWeights,
  PictureGrid,
} from '../../engines/engine';
import { windowsOf } from '../../nn/windows';
import { reorderRows } from '../stored-rows';
import type { DepthwiseWeights, WeightReader } from '../weight-reader';
import type { SamConfig, TinyVitEncoderConfig } from './config';
import { chained, type EncoderStep, type ImageEncoder } from './image-encoder';
import { loadNeck, neck, type NeckWeights } from './neck';
import type { BottleneckSpec, TinyVitBlockSpec, TinyVitSpec } from './parameter-table';

interface Bottleneck {
  readonly expand: LinearWeights;
  readonly depthwise: DepthwiseWeights;
  readonly contract: LinearWeights;
}

interface TinyVitBlock {
  readonly attentionNorm: LayerNormWeights;
  readonly qkv: LinearWeights;
  /** `(heads, side², side²)` */
  readonly biases: EngineTensor;
  readonly projection: LinearWeights;
  readonly local: DepthwiseWeights;
  readonly mlpNorm: LayerNormWeights;
  readonly expand: LinearWeights;
  readonly contract: LinearWeights;
}

interface TinyVitWeights {
  readonly stem1: LinearWeights;
  readonly stem2: LinearWeights;
  readonly convolutions: readonly Bottleneck[];
  readonly merges: readonly Bottleneck[];
  readonly stages: readonly (readonly TinyVitBlock[])[];
  readonly neck: NeckWeights;
}

/** MobileSAM's image encoder (`mobile_sam/modeling/tiny_vit_sam.py`): a convolutional stage, then three of windowed attention. */
export class TinyVitEncoder implements ImageEncoder {
  private constructor(
    private readonly config: SamConfig,
    private readonly encoder: TinyVitEncoderConfig,
    private readonly weights: TinyVitWeights,
  ) {}

  static async load(
    reader: WeightReader,
    config: SamConfig,
    encoder: TinyVitEncoderConfig,
    spec: TinyVitSpec,
  ): Promise<TinyVitEncoder> {
    const { layerNormEpsilon } = encoder;
    const bottleneck = async (each: BottleneckSpec): Promise<Bottleneck> => ({
      expand: await reader.linear(each.expand),
      depthwise: await reader.depthwise(each.depthwise),
      contract: await reader.linear(each.contract),
    });
    const block = async (each: TinyVitBlockSpec, stage: number): Promise<TinyVitBlock> => {
      const heads = encoder.heads[stage];
      const side = encoder.windows[stage];
      const order = fusedOrder(heads, encoder.widths[stage] / heads);
      return {
        attentionNorm: await reader.norm(each.attentionNorm, layerNormEpsilon),
        qkv: await reader.linear(each.qkv, (tensor) => reorderRows(tensor, order)),
        biases: reader.engine.upload(biasTable(await reader.floats(each.biases), heads, side), [
          heads,
          side * side,
          side * side,
        ]),
        projection: await reader.linear(each.projection),
        local: await reader.depthwise(each.local),
        mlpNorm: await reader.norm(each.mlpNorm, layerNormEpsilon),
        expand: await reader.linear(each.expand),
        contract: await reader.linear(each.contract),
      };
    };
    const all = async <Spec, Loaded>(
      specs: readonly Spec[],
      load: (spec: Spec) => Promise<Loaded>,
    ): Promise<Loaded[]> => {
      const loaded: Loaded[] = [];
      for (const each of specs) loaded.push(await load(each));
      await reader.settle();
      return loaded;
    };
    const stages: TinyVitBlock[][] = [];
    for (const [i, stage] of spec.stages.entries())
      stages.push(await all(stage, (each) => block(each, i + 1)));
    return new TinyVitEncoder(config, encoder, {
      stem1: await reader.linear(spec.stem1),
      stem2: await reader.linear(spec.stem2),
      convolutions: await all(spec.convolutions, bottleneck),
      merges: await all(spec.merges, bottleneck),
      stages,
      neck: await loadNeck(reader, spec.neck),
    });
  }

  *encode(engine: Engine, pixels: EngineTensor): Generator<EncoderStep, EngineTensor> {
    const [features] = yield* this.run(engine, pixels, false);
    return features;
  }

  /**
   * What each windowed stage gives, and the neck, of a picture of any size in steps of 32 pixels.
   *
   * @param pixels `(1, H, W, 3)`; freed by the caller.
   * @returns `(rows * columns, channels)` each, the neck's last; the caller's. Their grids are those of {@link gridsOf}.
   */
  *stages(engine: Engine, pixels: EngineTensor): Generator<EncoderStep, EngineTensor[]> {
    return yield* this.run(engine, pixels, true);
  }

  /** The grids of what {@link TinyVitEncoder.stages} gives of `rows x columns` pixels. */
  gridsOf(rows: number, columns: number): PictureGrid[] {
    let grid: PictureGrid = { images: 1, rows: rows / 4, columns: columns / 4 };
    const grids = this.weights.stages.map((_, i) => (grid = shrunk(grid, this.stride(i))));
    return [...grids, grid];
  }

  /** By how much the picture shrinks on its way into a windowed stage. */
  private stride(stage: number): 1 | 2 {
    const { imageSize, patch } = this.config;
    return imageSize / (8 << stage) >= imageSize / patch ? 2 : 1;
  }

  private *run(
    engine: Engine,
    pixels: EngineTensor,
    everyStage: boolean,
  ): Generator<EncoderStep, EngineTensor[]> {
    const { weights } = this;
    const [, height, width] = pixels.shape;
    const full: PictureGrid = { images: 1, rows: height, columns: width };
    let grid: PictureGrid = { images: 1, rows: height / 4, columns: width / 4 };
    const first = grid;
    /** Steps up to the end of each stage, and of the neck. */
    const parts: ((x: EngineTensor) => EngineTensor)[][] = [];
    let steps: ((x: EngineTensor) => EngineTensor)[] = weights.convolutions.map(
      (each) => (x) => inverted(engine, x, each, first),
    );
    for (const [i, stage] of weights.stages.entries()) {
      const [from, stride] = [grid, this.stride(i)];
      const to = shrunk(from, stride);
      steps.push((x) => merge(engine, x, weights.merges[i], from, stride));
      for (const block of stage) steps.push((x) => this.block(engine, x, block, i + 1, to));
      parts.push(steps);
      steps = [];
      grid = to;
    }
    const last = grid;
    parts.push([(x) => neck(engine, x, weights.neck, last)]);
    const total = parts.flat().length;
    let x = engine.tidy(() => {
      const flat = engine.reshape(pixels, [height * width, 3]);
      const half = engine.convolution(flat, weights.stem1, full, { stride: 2, activation: 'gelu' });
      return engine.convolution(half, weights.stem2, shrunk(full, 2), { stride: 2 });
    });
    const kept: EngineTensor[] = [];
    let [done, complete] = [0, false];
    try {
      for (const [i, part] of parts.entries()) {
        x = yield* scaled(chained(engine, x, part), done / total, part.length / total);
        done += part.length;
        // The next part frees what it is given.
        if (everyStage && i < parts.length - 1) kept.push(engine.reshape(x, x.shape));
      }
      complete = true;
      return everyStage ? [...kept, x] : [x];
    } finally {
      if (!complete) engine.dispose(...kept); // aborted or failed
    }
  }

  /** x + attention in windows, a depthwise convolution, then x + MLP. Padding goes through the norm, as it was trained. */
  private block(
    engine: Engine,
    x: EngineTensor,
    block: TinyVitBlock,
    stage: number,
    grid: PictureGrid,
  ): EngineTensor {
    const { widths, heads: all, windows: sides } = this.encoder;
    const heads = all[stage];
    const windows = windowsOf(grid, sides[stage]);
    const plan = {
      heads,
      headWidth: widths[stage] / heads,
      segments: windows.segments,
      bias: block.biases,
    };
    const gathered = engine.gatherRows(x, windows.partition);
    const qkv = engine.linear(engine.layerNorm(gathered, block.attentionNorm), block.qkv);
    const mixed = engine.gatherRows(engine.attention(...fusedHeads(qkv), plan), windows.restore);
    const attended = engine.linear(mixed, block.projection, { residual: x });
    const local = engine.depthwiseConvolution(attended, block.local.kernel, block.local.bias, grid);
    const hidden = engine.linear(engine.layerNorm(local, block.mlpNorm), block.expand, {
      activation: 'gelu',
    });
    return engine.linear(hidden, block.contract, { residual: local });
  }
}

function shrunk({ images, rows, columns }: PictureGrid, stride: 1 | 2): PictureGrid {
  return { images, rows: Math.ceil(rows / stride), columns: Math.ceil(columns / stride) };
}

/** Steps whose fractions are a part of a longer way. */
function* scaled<Result>(
  steps: Generator<EncoderStep, Result>,
  from: number,
  share: number,
): Generator<EncoderStep, Result> {
  try {
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) return step.value;
      yield { fraction: from + share * step.value.fraction };
    }
  } finally {
    steps.return(undefined as never);
  }
}

/** gelu(x + contract(gelu(depthwise(gelu(expand(x)))))) */
function inverted(
  engine: Engine,
  x: EngineTensor,
  weights: Bottleneck,
  grid: PictureGrid,
): EngineTensor {
  const inner = engine.linear(x, weights.expand, { activation: 'gelu' });
  const { kernel, bias } = weights.depthwise;
  const spread = engine.depthwiseConvolution(inner, kernel, bias, grid, { activation: 'gelu' });
  return engine.activate(engine.linear(spread, weights.contract, { residual: x }), 'gelu');
}

/** To the next stage's channels, and with a stride of 2 to half its side. */
function merge(
  engine: Engine,
  x: EngineTensor,
  weights: Bottleneck,
  grid: PictureGrid,
  stride: 1 | 2,
): EngineTensor {
  const inner = engine.linear(x, weights.expand, { activation: 'gelu' });
  const { kernel, bias } = weights.depthwise;
  const spread = engine.depthwiseConvolution(inner, kernel, bias, grid, {
    stride,
    activation: 'gelu',
  });
  return engine.linear(spread, weights.contract);
}

/** TinyViT's products give query, key and value head by head; ours give all queries, all keys, all values. */
function fusedOrder(heads: number, d: number): number[] {
  const order: number[] = [];
  for (let part = 0; part < 3; part++)
    for (let head = 0; head < heads; head++)
      for (let i = 0; i < d; i++) order.push((head * 3 + part) * d + i);
  return order;
}

/** Biases by distance `(heads, side * side)`, row `|dy| * side + |dx|`, spread over pairs of tokens `(heads, side², side²)`. */
function biasTable(biases: Float32Array, heads: number, side: number): Float32Array {
  const tokens = side * side;
  const table = new Float32Array(heads * tokens * tokens);
  for (let head = 0, at = 0; head < heads; head++) {
    for (let q = 0; q < tokens; q++) {
      for (let k = 0; k < tokens; k++, at++) {
        const dy = Math.abs(Math.floor(q / side) - Math.floor(k / side));
        const dx = Math.abs((q % side) - (k % side));
        table[at] = biases[head * tokens + dy * side + dx];
      }
    }
  }
  return table;
}
