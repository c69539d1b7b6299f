/** `seggpt/options`: the options of each task as data, from which checks, command-line flags and tables come. */
export {
  expected,
  type NumberSpec,
  type OptionSchema,
  type OptionSpec,
  type Resolved,
  resolveOptions,
  type ValueOf,
} from '../base/options';
export { engineSchema } from '../engines/engine-options';
export {
  promptSchema,
  qualities,
  refinements,
  segmentationSchema,
} from '../tasks/in-context/options';
export { everythingSchema } from '../tasks/interactive/options';
export { trackSchema } from '../tasks/tracking/options';
