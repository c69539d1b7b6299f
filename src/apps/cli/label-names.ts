import { InvalidArgumentError } from 'commander';
import { UsageError } from './usage-error';

/** Names by label, as the option `labelNames` takes them. */
export type LabelNames = Readonly<Record<number, string>>;

/** Reads `1=cup,2=spoon`; given again it adds to what came before. A name holds no comma. */
export function parseLabelNames(text: string, previous: LabelNames = {}): LabelNames {
  const names: Record<number, string> = { ...previous };
  for (const part of text.split(',')) {
    const [, digits, name] = /^\s*(\d+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    const label = Number(digits);
    if (!name || !(label >= 1 && label <= 255))
      throw new InvalidArgumentError(
        `"${part}" is no LABEL=NAME with a label from 1 to 255, as in 1=cup,2=spoon.`,
      );
    if (names[label] !== undefined)
      throw new InvalidArgumentError(
        `The label ${label} is named twice: "${names[label]}" and "${name}".`,
      );
    names[label] = name;
  }
  return names;
}

/** @throws UsageError for a name whose label no prompt shows. */
export function checkLabelNames(names: LabelNames | undefined, labels: readonly number[]): void {
  for (const [label, name] of Object.entries(names ?? {})) {
    if (!labels.includes(Number(label)))
      throw new UsageError(
        `--labels: "${name}" names the label ${label}, but the prompts show ${labels.join(', ')}.`,
      );
  }
}
