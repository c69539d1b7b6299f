import { fusedHeads } from '../../engines/attention-plan';
import type {
  AttentionPlan,
  Engine,
  EngineTensor,
  LinearWeights,
  RelativePosition,
} from '../../engines/engine';
import { relativePositionMatrix } from '../../nn/position-tables';
import { type ViTBlockWeights } from '../../nn/vit-block';
import { type Windows, windowsOf } from '../../nn/windows';
import type { WeightReader } from '../weight-reader';
import type { SamConfig, VitEncoderConfig } from './config';
import { chained, type EncoderStep, type ImageEncoder } from './image-encoder';
import { loadNeck, neck, type NeckWeights } from './neck';
import type { VitBlockSpec, VitSpec } from './parameter-table';

interface VitBlock extends ViTBlockWeights {
  /** Tokens to a side that look at one another: of a window, or of the whole grid. */
  readonly reach: number;
  readonly relative: RelativePosition | null;
}

interface VitWeights {
  readonly patchEmbedding: LinearWeights;
  /** `(G * G, D)` */
  readonly positions: EngineTensor | null;
  readonly blocks: readonly VitBlock[];
  readonly neck: NeckWeights;
}

/** SAM's own image encoders (`segment_anything/modeling/image_encoder.py`): a ViT whose blocks look at windows, but for a few. */
export class VitEncoder implements ImageEncoder {
  private readonly side: number;

  private constructor(
    private readonly config: SamConfig,
    private readonly encoder: VitEncoderConfig,
    private readonly weights: VitWeights,
  ) {
    this.side = config.imageSize / config.patch;
  }

  static async load(
    reader: WeightReader,
    config: SamConfig,
    encoder: VitEncoderConfig,
    spec: VitSpec,
  ): Promise<VitEncoder> {
    const { engine } = reader;
    const side = config.imageSize / config.patch;
    const block = async (each: VitBlockSpec, index: number): Promise<VitBlock> => {
      const whole = encoder.window === 0 || encoder.globalBlocks.includes(index);
      const reach = whole ? side : encoder.window;
      // Tables are spread over the grid once: its size is the model's.
      const spread = async (table: (typeof each.relative & object)['rows']) => {
        const codes = await reader.table(table);
        const matrix = relativePositionMatrix(table.shape[0], reach);
        const grid = engine.tidy(() => engine.interpolate(matrix, codes));
        engine.dispose(codes);
        return grid;
      };
      return {
        reach,
        attentionNorm: await reader.norm(each.attentionNorm, encoder.layerNormEpsilon),
        qkv: await reader.linear(each.qkv),
        projection: await reader.linear(each.projection),
        relative: each.relative && {
          rows: await spread(each.relative.rows),
          columns: await spread(each.relative.columns),
        },
        mlpNorm: await reader.norm(each.mlpNorm, encoder.layerNormEpsilon),
        expand: await reader.linear(each.expand),
        contract: await reader.linear(each.contract),
      };
    };
    const patchEmbedding = await reader.linear(spec.patchEmbedding);
    let positions: EngineTensor | null = null;
    if (spec.positions) {
      const { shape } = spec.positions;
      positions = engine.upload(await reader.floats(spec.positions), [
        shape[1] * shape[2],
        shape[3],
      ]);
    }
    const blocks: VitBlock[] = [];
    for (const [index, each] of spec.blocks.entries()) {
      blocks.push(await block(each, index));
      await reader.settle();
    }
    const weights = { patchEmbedding, positions, blocks, neck: await loadNeck(reader, spec.neck) };
    return new VitEncoder(config, encoder, weights);
  }

  *encode(engine: Engine, pixels: EngineTensor): Generator<EncoderStep, EngineTensor> {
    const { weights, side, config, encoder } = this;
    const grid = { images: 1, rows: side, columns: side };
    const windows = encoder.window > 0 ? windowsOf(grid, encoder.window) : null;
    const embedded = engine.tidy(() => {
      const patches = engine.linear(engine.patchify(pixels, config.patch), weights.patchEmbedding);
      return weights.positions ? engine.add(patches, weights.positions) : patches;
    });
    return yield* chained(engine, embedded, [
      ...weights.blocks.map((block) => (x: EngineTensor) => this.block(engine, x, block, windows)),
      (x) => neck(engine, x, weights.neck, grid),
    ]);
  }

  /** x + attention(norm(x)) in windows or everywhere, then x + MLP(norm(x)). */
  private block(
    engine: Engine,
    x: EngineTensor,
    block: VitBlock,
    windows: Windows | null,
  ): EngineTensor {
    const { heads, width } = this.encoder;
    const [headWidth, { reach, relative }] = [width / heads, block];
    const windowed = reach === this.side ? null : windows;
    const everywhere = { start: 0, end: x.shape[0] };
    const segments = windowed?.segments ?? [{ queries: everywhere, keys: [[everywhere]] }];
    const plan: AttentionPlan = { heads, headWidth, segments, relative };
    const normed = engine.layerNorm(x, block.attentionNorm);
    const tokens = windowed ? engine.gatherRows(normed, windowed.partition) : normed;
    const mixed = engine.attention(...fusedHeads(engine.linear(tokens, block.qkv)), plan);
    const restored = windowed ? engine.gatherRows(mixed, windowed.restore) : mixed;
    const attended = engine.linear(restored, block.projection, { residual: x });
    const hidden = engine.linear(engine.layerNorm(attended, block.mlpNorm), block.expand, {
      activation: 'gelu',
    });
    return engine.linear(hidden, block.contract, { residual: attended });
  }
}
