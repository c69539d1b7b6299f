import { render } from 'preact';
import { listenToKeys } from './keyboard';
import { startEditor } from './state/editor';
import { openServedFolder } from './state/open';
import { restore } from './state/storage';
import './styles/app.css';
import { App } from './ui/app';
import { clickWorker } from './workers/workers';

// While a person looks for a picture; a click says why where it fails.
void clickWorker.load().catch(() => undefined);
await restore();
void openServedFolder();
startEditor();
listenToKeys();
render(<App />, document.getElementById('app')!);
