/** Keys that work wherever the focus is, but not while someone types. */
import { closePolygon, endObject, polygon, redo, undo } from './state/editor';
import { findAll } from './state/find';
import { brushRadius, labels, step, tools } from './state/store';
import { strings } from './strings';
import { acceptCurrent, chooseLabel } from './ui/side-panel';
import { chooseTool } from './ui/tool-bar';

export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    const target = event.target as HTMLElement;
    if (target.closest('dialog, input:not([type=checkbox], [type=radio], [type=range])')) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      const action = key === 'z' ? (event.shiftKey ? redo : undo) : key === 'y' ? redo : undefined;
      if (!action) return;
      event.preventDefault();
      return action();
    }
    if (event.altKey) return;
    const chosen = tools.find((each) => strings.keys[each].toLowerCase() === key);
    if (chosen) return chooseTool(chosen);
    if (/^[1-9]$/.test(key) && labels.value.some(({ id }) => id === Number(key)))
      return chooseLabel(Number(key));
    // Buttons have their own use for Enter.
    const isButton = target.closest('button, label') !== null;
    const actions: Record<string, (() => unknown) | undefined> = {
      '[': () => (brushRadius.value = Math.max(1, brushRadius.value - 2)),
      ']': () => (brushRadius.value = Math.min(80, brushRadius.value + 2)),
      ',': () => step(-1),
      '.': () => step(1),
      a: acceptCurrent,
      g: findAll,
      escape: endObject,
      enter: isButton ? undefined : polygon.value.length > 0 ? closePolygon : endObject,
    };
    void actions[key]?.();
  });
}
