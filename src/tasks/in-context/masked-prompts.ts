import { InvalidInputError } from '../../base/errors';
import type { ClickedPrompt } from './clicked-prompt';
import type { HelperModel } from './helper-model';
import { checkPromptList, type MaskPrompt, type Prompt, type ReadPromptOptions } from './prompts';

const WAYS = ['points', 'box', 'scribble', 'polygon'] as const;

/**
 * Whether a prompt points at its object, and has no mask.
 *
 * @throws InvalidInputError if it has both: one of them would be ignored.
 */
function isClicked(prompt: Prompt, argument: string): prompt is ClickedPrompt {
  if (typeof prompt !== 'object' || prompt === null) return false;
  const given = prompt as unknown as Record<string, unknown>;
  const way = WAYS.find((name) => given[name] !== undefined);
  if (way !== undefined && given.mask !== undefined)
    throw new InvalidInputError(
      argument,
      `has a mask and \`${way}\`; give the mask, or what points at the object.`,
    );
  return way !== undefined;
}

/**
 * Whether every prompt has a mask, so that no model is needed to read them.
 *
 * @throws InvalidInputError if it is no list, or one both has a mask and points.
 */
export function areMasked(prompts: readonly Prompt[]): prompts is readonly MaskPrompt[] {
  checkPromptList(prompts);
  return prompts.map((prompt, i) => isClicked(prompt, `prompts[${i}]`)).every((it) => !it);
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
      isClicked(prompt, `prompts[${i}]`)
        ? await maskClicked(prompt, `prompts[${i}]`, helper, options)
        : prompt,
    );
  return masked;
}
