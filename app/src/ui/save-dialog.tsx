import { useRef } from 'preact/hooks';
import { type ExportKind, exportKinds } from '../logic/export-kinds';
import { saveProject } from '../state/project';
import { saveZip } from '../state/save-file';
import { strings } from '../strings';
import { Icon } from './icons';

export function SaveButton() {
  const dialog = useRef<HTMLDialogElement>(null);
  const save = (event: SubmitEvent) => {
    const chosen = new FormData(event.currentTarget as HTMLFormElement).getAll('kind');
    if (chosen.length > 0) void saveZip(chosen as ExportKind[]);
  };
  return (
    <>
      <button type="button" onClick={() => dialog.current!.showModal()}>
        <Icon name="save" /> {strings.export}
      </button>
      <dialog ref={dialog} aria-labelledby="save-title">
        <form method="dialog" onSubmit={save}>
          <h2 id="save-title">{strings.export}</h2>
          <div class="kinds">
            {exportKinds.map((kind) => (
              <label class="check" key={kind}>
                <input type="checkbox" name="kind" value={kind} defaultChecked={kind === 'coco'} />
                {strings.kinds[kind]}
              </label>
            ))}
          </div>
          <div class="row">
            <button type="submit" class="primary">
              {strings.download}
            </button>
            <button type="button" title={strings.projectHint} onClick={() => void saveProject()}>
              {strings.project}
            </button>
            <button type="button" onClick={() => dialog.current!.close()}>
              {strings.close}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
