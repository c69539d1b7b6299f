/** `seggpt/teaching`: what makes the best of examples that people have. */
export {
  selectPrompts,
  type SelectedPrompts,
  type SelectOptions,
} from '../tasks/teaching/select-prompts';
