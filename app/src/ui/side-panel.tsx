import { surenessOf } from '../logic/sureness';
import { endObject } from '../state/editor';
import { cancelFinding, findAll, targetsOf } from '../state/find';
import {
  activeLabel,
  addLabel,
  changeLabel,
  current,
  examples,
  finding,
  labels,
  patchPicture,
  type Picture,
  pictures,
  removePicture,
  splitObjects,
  step,
} from '../state/store';
import { strings } from '../strings';
import { Icon } from './icons';

export function chooseLabel(id: number): void {
  endObject();
  activeLabel.value = id;
}

/** Takes a result as it is, and goes on to the next picture. */
export function acceptCurrent(): void {
  const picture = current.value;
  if (!picture || picture.status === 'new') return;
  patchPicture(picture.id, { status: 'accepted' });
  step(1);
}

export function SidePanel() {
  const picture = current.value;
  return (
    <aside class="side">
      <LabelList />
      {picture && <PictureFacts picture={picture} />}
      <FindBox />
    </aside>
  );
}

function LabelList() {
  return (
    <section aria-labelledby="labels-title">
      <h2 id="labels-title">{strings.labels}</h2>
      <ul class="labels">
        {labels.value.map(({ id, name, color }) => (
          <li key={id} class={activeLabel.value === id ? 'label is-active' : 'label'}>
            <input
              type="radio"
              name="label"
              checked={activeLabel.value === id}
              aria-label={strings.useLabel(name)}
              aria-keyshortcuts={id < 10 ? String(id) : undefined}
              onChange={() => chooseLabel(id)}
            />
            <input
              type="color"
              value={color}
              aria-label={strings.labelColor(name)}
              onInput={({ currentTarget }) => changeLabel(id, { color: currentTarget.value })}
            />
            <input
              type="text"
              value={name}
              aria-label={strings.labelName(id)}
              onFocus={() => chooseLabel(id)}
              onInput={({ currentTarget }) => changeLabel(id, { name: currentTarget.value })}
            />
            {id < 10 && <kbd aria-hidden="true">{id}</kbd>}
          </li>
        ))}
      </ul>
      <button type="button" class="quiet" onClick={addLabel}>
        <Icon name="plus" /> {strings.addLabel}
      </button>
    </section>
  );
}

function PictureFacts({ picture }: { readonly picture: Picture }) {
  const { id, name, width, height, isExample, status, found, failure } = picture;
  return (
    <section aria-labelledby="picture-title">
      <h2 id="picture-title">{strings.picture}</h2>
      <p class="facts">
        <strong>{name}</strong> {width} × {height}
      </p>
      {failure && <p class="failure">{failure}</p>}
      {status === 'found' && found && (
        <ul class="found">
          {found.map((each) => (
            <li key={each.label}>
              <Swatch label={each.label} />
              <span>
                {each.present ? strings.sure(surenessOf([each])) : strings.absent}
                {each.objects !== undefined && each.present && `, ${strings.objects(each.objects)}`}
              </span>
            </li>
          ))}
        </ul>
      )}
      <div class="row">
        <button
          type="button"
          aria-pressed={isExample}
          disabled={status === 'new'}
          onClick={() => patchPicture(id, { isExample: !isExample })}
        >
          <Icon name="star" /> {strings.example}
        </button>
        <button
          type="button"
          aria-keyshortcuts="A"
          disabled={status === 'new'}
          onClick={acceptCurrent}
        >
          <Icon name="check" /> {strings.accept}
        </button>
        <button
          type="button"
          class="quiet"
          aria-label={strings.remove}
          title={strings.remove}
          onClick={() => removePicture(id)}
        >
          <Icon name="trash" />
        </button>
      </div>
    </section>
  );
}

function Swatch({ label }: { readonly label: number }) {
  const known = labels.value.find(({ id }) => id === label);
  return (
    <>
      <i class="swatch" style={{ background: known?.color }} />
      <b>{known?.name ?? label}</b>
    </>
  );
}

function FindBox() {
  const [given, targets] = [examples.value.length, targetsOf(pictures.value).length];
  const progress = finding.value;
  return (
    <section class="find" aria-labelledby="find-title">
      <h2 id="find-title" class="sr">
        {strings.find}
      </h2>
      {progress ? (
        <>
          <progress
            max={progress.total}
            value={progress.done}
            aria-label={strings.progress(progress.done, progress.total)}
          />
          <p class="facts">
            {strings.progress(progress.done, progress.total)}
            {progress.secondsLeft !== undefined && `, ${strings.left(progress.secondsLeft)}`}
          </p>
          <button type="button" onClick={cancelFinding}>
            {strings.cancel}
          </button>
        </>
      ) : (
        <>
          <button
            type="button"
            class="primary"
            aria-keyshortcuts="G"
            disabled={given === 0 || targets === 0}
            onClick={() => void findAll()}
          >
            <Icon name="find" /> {strings.find}
          </button>
          <p class="facts">{given === 0 ? strings.findHint : strings.findReady(given, targets)}</p>
          <label class="check">
            <input
              type="checkbox"
              checked={splitObjects.value}
              onChange={({ currentTarget }) => (splitObjects.value = currentTarget.checked)}
            />
            {strings.split}
          </label>
        </>
      )}
    </section>
  );
}
