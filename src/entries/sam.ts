/** `seggpt/sam`: SAM at the level of tensors. */
export { type EncodeStepOptions, Sam, type SamLoadOptions } from '../models/sam/sam';
export {
  mobileSamConfig,
  parseSamConfig,
  samBaseConfig,
  type SamConfig,
  samHugeConfig,
  samLargeConfig,
  type TinyVitEncoderConfig,
  type VitEncoderConfig,
} from '../models/sam/config';
export type { DecoderOutput, ImageContext } from '../models/sam/mask-decoder';
export type { SamPrompt } from '../models/sam/prompt-encoder';
