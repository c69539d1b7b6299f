/** Fits as logits, and back: what can be mixed with a decoder's. */

/** Beyond this a logit says no more. */
export const LOGIT_LIMIT = 8;

/** `ln(fit / (1 - fit))`, limited. */
export function logitOf(fit: number): number {
  const inside = Math.min(Math.max(fit, 1e-6), 1 - 1e-6);
  const logit = Math.log(inside / (1 - inside));
  return Math.min(Math.max(logit, -LOGIT_LIMIT), LOGIT_LIMIT);
}

export function fitOf(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
