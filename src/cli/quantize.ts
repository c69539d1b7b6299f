import { inferConfig } from '../checkpoints/infer-config';
import { openCheckpoint } from '../checkpoints/open-checkpoint';
import { quantizeCheckpoint } from '../checkpoints/quantize-checkpoint';
import { writeSafetensors } from '../checkpoints/write-safetensors';
import { parsePainterConfig, toHuggingFaceConfig } from '../painter/config';
import { platform } from '../platform';

/** Writes `config.json` and an int8 `model.safetensors` into a directory. */
export async function quantize(
  model: string,
  out: string,
  flags: { readonly cache?: string; readonly offline: boolean },
  signal: AbortSignal,
): Promise<void> {
  const source = await openCheckpoint(model, { ...flags, signal });
  try {
    const config =
      source.config === null
        ? inferConfig(source)
        : parsePainterConfig(source.config, source.origin);
    const file = writeSafetensors(await quantizeCheckpoint(source, config, signal));
    const json = new TextEncoder().encode(
      `${JSON.stringify(toHuggingFaceConfig(config), null, 2)}\n`,
    );
    await platform.writeFile(platform.join(out, 'config.json'), json);
    await platform.writeFile(platform.join(out, 'model.safetensors'), file);
    process.stdout.write(`${out}: ${(file.length / 1e6).toFixed(1)} MB\n`);
  } finally {
    await source.close();
  }
}
