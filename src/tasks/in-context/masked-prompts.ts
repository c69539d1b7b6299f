import type { HelperModel } from './helper-model';
import { checkPromptList, type MaskPrompt, type Prompt, type ReadPromptOptions } from './prompts';

/** Whether a prompt points at its object, and has no mask. */
function isClicked(prompt: Prompt): boolean {
  return (
    typeof prompt === 'object' &&
    prompt !== null &&
    !('mask' in prompt) &&
    ['points', 'box', 'scribble', 'polygon'].some((way) => way in prompt)
  );
}

/** Whether every prompt has a mask, so that no model is needed to read them. @throws InvalidInputError if it is no list. */
export function areMasked(prompts: readonly Prompt[]): prompts is readonly MaskPrompt[] {
  checkPromptList(prompts);
  return !prompts.some(isClicked);
}

/**
 * Prompts with a mask each. What turns clicks into masks is loaded when there are any.
 *
 * @throws InvalidInputError if it is no list, or a click does not fit its picture; what loading throws.
 */
export async function maskedPrompts(
  prompts: readonly Prompt[],
  helper: HelperModel,
  options: ReadPromptOptions,
): Promise<readonly MaskPrompt[]> {
  if (areMasked(prompts)) return prompts;
  const { maskClicked } = await import('./clicked-prompt');
  const masked: MaskPrompt[] = [];
  for (const [i, prompt] of prompts.entries())
    masked.push(
      isClicked(prompt)
        ? await maskClicked(prompt, `prompts[${i}]`, helper, options)
        : (prompt as MaskPrompt),
    );
  return masked;
}
