import { type AttentionPlan, fusedHeads } from '../../engines/attention-plan';
import type { Engine, EngineTensor, LayerNormWeights, LinearWeights } from '../../engines/engine';
import { type ModelSteps } from '../../nn/drive';
import { cubicAxis, smoothCubicAxis } from '../../nn/axes';
import type { StoredTensor } from '../../tensors/stored-tensor';
import type { LinearSpec } from '../parameter-specs';
import type { ParameterSpec } from '../parameter-table';
import { reorderRows, scaleRows, stackRows } from '../stored-rows';
import { floatTensor, type WeightReader } from '../weight-reader';
import type { DinoConfig } from './config';
import { type DinoBlockSpec, dinoSpec } from './parameter-table';
import { rotaryTables, turnedRows } from './rotary';

/** Queries, keys and values as one product; or, with rotary positions, what turns by itself. */
type AttentionWeights =
  | { readonly kind: 'plain'; readonly qkv: LinearWeights }
  | {
      readonly kind: 'rotary';
      /** `(2D, D)`: queries and keys. */
      readonly qk: LinearWeights;
      /** `(2D, D)`: the same with their halves turned. */
      readonly turned: LinearWeights;
      readonly value: LinearWeights;
    };

interface DinoBlock {
  readonly attentionNorm: LayerNormWeights;
  readonly attention: AttentionWeights;
  readonly projection: LinearWeights;
  readonly mlpNorm: LayerNormWeights;
  readonly gate: LinearWeights | null;
  readonly expand: LinearWeights;
  readonly contract: LinearWeights;
}

interface DinoWeights {
  /** `(1, D)`: the class token with its position. */
  readonly classToken: EngineTensor;
  /** `(R, D)` */
  readonly registers: EngineTensor | null;
  /** `(side * side, D)` */
  readonly positions: EngineTensor | null;
  readonly patchEmbedding: LinearWeights;
  readonly blocks: readonly DinoBlock[];
  readonly norm: LayerNormWeights;
}

/** Rotary positions of one size of picture, on the engine. */
interface Rotation {
  readonly cosines: EngineTensor;
  readonly sines: EngineTensor;
}

/** Pixels to tokens. */
export class DinoEncoder {
  private constructor(
    private readonly config: DinoConfig,
    private readonly weights: DinoWeights,
  ) {}

  static async load(reader: WeightReader, config: DinoConfig): Promise<DinoEncoder> {
    const { engine } = reader;
    const { width } = config;
    const spec = dinoSpec(config);
    const classToken = await reader.floats(spec.classToken);
    const registers = spec.registers && (await reader.table(spec.registers));
    const table = spec.positions && (await reader.floats(spec.positions));
    if (table) for (let i = 0; i < width; i++) classToken[i] += table[i];
    const patchEmbedding = await reader.linear(spec.patchEmbedding);
    const blocks: DinoBlock[] = [];
    for (const block of spec.blocks) {
      blocks.push(await loadBlock(reader, config, block));
      await reader.settle();
    }
    return new DinoEncoder(config, {
      classToken: engine.upload(classToken, [1, width]),
      registers,
      positions: table && engine.upload(table.slice(width), [table.length / width - 1, width]),
      patchEmbedding,
      blocks,
      norm: await reader.norm(spec.norm, config.layerNormEpsilon),
    });
  }

  /**
   * Yields after every block.
   *
   * @param pixels `(1, rows * patch, columns * patch, 3)`; stays the caller's.
   * @returns `(1 + registers + rows * columns, D)`, normed; the caller's.
   */
  *encode(
    engine: Engine,
    pixels: EngineTensor,
    rows: number,
    columns: number,
  ): ModelSteps<{ readonly fraction: number }, EngineTensor> {
    const { blocks, norm } = this.weights;
    const rotation = this.rotation(engine, rows, columns);
    let x: EngineTensor | null = this.embed(engine, pixels, rows, columns);
    try {
      for (const [index, block] of blocks.entries()) {
        const from: EngineTensor = x;
        x = engine.tidy(() => this.block(engine, from, block, rotation));
        engine.dispose(from);
        yield { fraction: (index + 1) / blocks.length };
      }
      return engine.layerNorm(x, norm);
    } finally {
      if (x) engine.dispose(x);
      if (rotation) engine.dispose(rotation.cosines, rotation.sines);
    }
  }

  private embed(engine: Engine, pixels: EngineTensor, rows: number, columns: number): EngineTensor {
    const { weights, config } = this;
    return engine.tidy(() => {
      const patches = engine.linear(engine.patchify(pixels, config.patch), weights.patchEmbedding);
      const positions = this.positions(engine, rows, columns);
      const before = weights.registers ? [weights.registers] : [];
      return engine.concatRows([
        weights.classToken,
        ...before,
        positions ? engine.add(patches, positions) : patches,
      ]);
    });
  }

  /** Learned positions of a grid: `(rows * columns, D)`. */
  private positions(engine: Engine, rows: number, columns: number): EngineTensor | null {
    const { positions } = this.config;
    const table = this.weights.positions;
    if (positions.kind !== 'learned' || !table) return null;
    const { side, antialias } = positions;
    if (rows === side && columns === side) return table;
    const axis = antialias ? smoothCubicAxis : cubicAxis;
    const down = Float32Array.from(axis(rows, side));
    const across = Float32Array.from(axis(columns, side));
    const tall = engine.interpolate(down, table, { inner: side }); // (rows * side, D)
    return engine.interpolate(across, tall, { outer: rows });
  }

  private rotation(engine: Engine, rows: number, columns: number): Rotation | null {
    const { positions, heads, width, registers } = this.config;
    if (positions.kind !== 'rotary') return null;
    const before = 1 + registers;
    const tables = rotaryTables(rows, columns, before, heads, width / heads, positions.theta);
    const shape = [before + rows * columns, 2 * width];
    return {
      cosines: engine.upload(tables.cosines, shape),
      sines: engine.upload(tables.sines, shape),
    };
  }

  /** x + attention(norm(x)), then x + MLP(norm(x)); learned scales are in the weights. */
  private block(
    engine: Engine,
    x: EngineTensor,
    block: DinoBlock,
    rotation: Rotation | null,
  ): EngineTensor {
    const { heads, width } = this.config;
    const everywhere = { start: 0, end: x.shape[0] };
    const plan: AttentionPlan = {
      ...{ heads, headWidth: width / heads },
      segments: [{ queries: everywhere, keys: [[everywhere]] }],
    };
    const normed = engine.layerNorm(x, block.attentionNorm);
    const mixed = engine.attention(...this.heads(engine, normed, block, rotation), plan);
    const attended = engine.linear(mixed, block.projection, { residual: x });
    const hidden = engine.layerNorm(attended, block.mlpNorm);
    if (!block.gate) {
      const expanded = engine.linear(hidden, block.expand, { activation: 'gelu' });
      return engine.linear(expanded, block.contract, { residual: attended });
    }
    const gate = engine.linear(hidden, block.gate);
    const opened = engine.multiply(gate, engine.activate(gate, 'sigmoid')); // SiLU
    const gated = engine.multiply(opened, engine.linear(hidden, block.expand));
    return engine.linear(gated, block.contract, { residual: attended });
  }

  /** Queries, keys and values; the first two turned by their places where positions are rotary: x cos + turned x sin. */
  private heads(
    engine: Engine,
    normed: EngineTensor,
    { attention }: DinoBlock,
    rotation: Rotation | null,
  ): ReturnType<typeof fusedHeads> {
    if (attention.kind === 'plain') return fusedHeads(engine.linear(normed, attention.qkv));
    const { cosines, sines } = rotation!;
    const both = engine.add(
      engine.multiply(engine.linear(normed, attention.qk), cosines),
      engine.multiply(engine.linear(normed, attention.turned), sines),
    );
    return [
      { tensor: both },
      { tensor: both, column: this.config.width },
      { tensor: engine.linear(normed, attention.value) },
    ];
  }
}

async function loadBlock(
  reader: WeightReader,
  config: DinoConfig,
  spec: DinoBlockSpec,
): Promise<DinoBlock> {
  const epsilon = config.layerNormEpsilon;
  // x + s (W y + b) is x + (s W) y + s b: scales cost nothing.
  const scaled = async (linear: LinearSpec, scale: ParameterSpec | null) => {
    const factors = scale && (await reader.floats(scale));
    return reader.linear(linear, (tensor) => (factors ? scaleRows(tensor, factors) : tensor));
  };
  return {
    attentionNorm: await reader.norm(spec.attentionNorm, epsilon),
    attention: await loadAttention(reader, config, spec),
    projection: await scaled(spec.projection, spec.attentionScale),
    mlpNorm: await reader.norm(spec.mlpNorm, epsilon),
    gate: spec.gate && (await reader.linear(spec.gate)),
    expand: await reader.linear(spec.expand),
    contract: await scaled(spec.contract, spec.mlpScale),
  };
}

/** A layer's weights `(outputs, inputs)`, and a bias of zeros where it has none. */
interface Layer {
  readonly weight: StoredTensor;
  readonly bias: StoredTensor;
}

async function loadAttention(
  reader: WeightReader,
  { heads, width, positions }: DinoConfig,
  spec: DinoBlockSpec,
): Promise<AttentionWeights> {
  const layer = async ({ weight, bias }: LinearSpec): Promise<Layer> => ({
    weight: await reader.read(weight),
    bias: bias
      ? await reader.read(bias)
      : floatTensor(`${weight.name}.none`, [width], new Float32Array(width)),
  });
  const stacked = (layers: readonly Layer[]) =>
    reader.engine.loadLinear(
      stackRows(
        'weights',
        layers.map(({ weight }) => weight),
      ),
      stackRows(
        'biases',
        layers.map(({ bias }) => bias),
      ),
    );
  const [query, key, value] = [
    await layer(spec.query),
    await layer(spec.key),
    await layer(spec.value),
  ];
  if (positions.kind === 'learned') return { kind: 'plain', qkv: stacked([query, key, value]) };
  const { order, signs } = turnedRows(heads, width / heads);
  const turned = ({ weight, bias }: Layer): Layer => ({
    weight: scaleRows(reorderRows(weight, order), signs),
    bias: scaleRows(reorderRows(bias, order), signs),
  });
  return {
    kind: 'rotary',
    qk: stacked([query, key]),
    turned: stacked([turned(query), turned(key)]),
    value: stacked([value]),
  };
}
