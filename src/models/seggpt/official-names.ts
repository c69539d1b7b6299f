/** Hugging Face names of the parameters of the official `models_seggpt.py`. */
const WHOLE: Record<string, string> = {
  mask_token: 'model.embeddings.mask_token',
  segment_token_x: 'model.embeddings.segment_token_input',
  segment_token_y: 'model.embeddings.segment_token_prompt',
  type_token_cls: 'model.embeddings.type_token_semantic',
  type_token_ins: 'model.embeddings.type_token_instance',
  pos_embed: 'model.embeddings.position_embeddings',
};

const PREFIXES: readonly (readonly [RegExp, string])[] = [
  [/^patch_embed\.proj\./, 'model.embeddings.patch_embeddings.projection.'],
  [/^norm\./, 'model.encoder.layernorm.'],
  [/^decoder_embed\./, 'decoder.decoder_embed.'],
  [/^decoder_pred\.0\./, 'decoder.decoder_pred.conv.'],
  [/^decoder_pred\.1\./, 'decoder.decoder_pred.layernorm.'],
  [/^decoder_pred\.3\./, 'decoder.decoder_pred.head.'],
  [/^blocks\.(\d+)\.norm1\./, 'model.encoder.layers.$1.layernorm_before.'],
  [/^blocks\.(\d+)\.norm2\./, 'model.encoder.layers.$1.layernorm_after.'],
  [/^blocks\.(\d+)\.attn\./, 'model.encoder.layers.$1.attention.'],
  [/^blocks\.(\d+)\.mlp\.fc(\d)\./, 'model.encoder.layers.$1.mlp.lin$2.'],
];

/** Translates an official parameter name; names it does not know pass through. */
export function huggingFaceName(official: string): string {
  if (Object.hasOwn(WHOLE, official)) return WHOLE[official];
  for (const [pattern, replacement] of PREFIXES) {
    if (pattern.test(official)) return official.replace(pattern, replacement);
  }
  return official;
}
