import { canRedo, canUndo, clearMarks, endObject, redo, undo } from '../state/editor';
import { brushRadius, type Tool, tool, tools } from '../state/store';
import { strings } from '../strings';
import { Icon } from './icons';

export function chooseTool(next: Tool): void {
  endObject();
  tool.value = next;
}

export function ToolBar() {
  const sized = tool.value === 'brush' || tool.value === 'eraser';
  return (
    <div class="tools">
      <div role="toolbar" aria-label={strings.toolbar} class="tool-row">
        {tools.map((each) => (
          <button
            type="button"
            key={each}
            class="tool"
            aria-pressed={tool.value === each}
            aria-keyshortcuts={strings.keys[each]}
            title={`${strings.tools[each]} (${strings.keys[each]})`}
            onClick={() => chooseTool(each)}
          >
            <Icon name={each} />
            <span>{strings.tools[each]}</span>
          </button>
        ))}
        <span class="gap" />
        <button
          type="button"
          class="tool"
          disabled={!canUndo.value}
          onClick={undo}
          aria-keyshortcuts="Control+Z"
        >
          <Icon name="undo" />
          <span>{strings.undo}</span>
        </button>
        <button
          type="button"
          class="tool"
          disabled={!canRedo.value}
          onClick={redo}
          aria-keyshortcuts="Control+Shift+Z"
        >
          <Icon name="redo" />
          <span>{strings.redo}</span>
        </button>
        <button type="button" class="tool" onClick={clearMarks}>
          <Icon name="trash" />
          <span>{strings.clear}</span>
        </button>
      </div>
      <p class="hint">
        {sized && (
          <label class="size">
            {strings.brushSize}
            <input
              type="range"
              min="1"
              max="80"
              value={brushRadius.value}
              onInput={({ currentTarget }) => (brushRadius.value = Number(currentTarget.value))}
            />
          </label>
        )}
        {strings.hints[tool.value]}
      </p>
    </div>
  );
}
