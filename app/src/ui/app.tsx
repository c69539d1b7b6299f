import { openFiles, openSample, samples } from '../state/open';
import { openProject } from '../state/project';
import { current, message } from '../state/store';
import { strings } from '../strings';
import { FilmStrip } from './film-strip';
import { SaveButton } from './save-dialog';
import { SidePanel } from './side-panel';
import { Stage } from './stage';
import { ToolBar } from './tool-bar';

export function App() {
  return (
    <div
      class="app"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void openAll([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      <header class="top">
        <h1>{strings.title}</h1>
        {current.value && (
          <div class="row">
            <OpenButton isPrimary={false} />
            <SaveButton />
          </div>
        )}
      </header>
      <main>
        {current.value ? (
          <div class="desk">
            <ToolBar />
            <Stage />
            <SidePanel />
            <FilmStrip />
          </div>
        ) : (
          <Welcome />
        )}
      </main>
      <p role="status" class={message.value?.isError ? 'said is-error' : 'said'}>
        {message.value?.text}
      </p>
    </div>
  );
}

/** Pictures first: a project is about these. */
async function openAll(files: readonly File[]): Promise<void> {
  const isProject = ({ name }: File) => /\.json$/i.test(name);
  const shown = files.filter((file) => !isProject(file));
  if (shown.length > 0) await openFiles(shown);
  for (const file of files.filter(isProject)) await openProject(file);
}

function OpenButton({ isPrimary }: { readonly isPrimary: boolean }) {
  return (
    <label class={isPrimary ? 'button primary' : 'button'}>
      {strings.open}
      <input
        type="file"
        class="sr"
        accept="image/*,.json"
        multiple
        onChange={({ currentTarget }) => {
          void openAll([...(currentTarget.files ?? [])]);
          currentTarget.value = '';
        }}
      />
    </label>
  );
}

function Welcome() {
  return (
    <div class="welcome">
      <h2>{strings.lead}</h2>
      <p>{strings.about}</p>
      <div class="drop">
        <OpenButton isPrimary />
        <span>{strings.drop}</span>
      </div>
      <h3>{strings.trySamples}</h3>
      <div class="samples">
        {samples.map((sample) => (
          <button
            type="button"
            class="sample"
            key={sample.name}
            onClick={() => void openSample(sample)}
          >
            <img src={sample.urls[0]} alt="" />
            <span>{sample.name}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
