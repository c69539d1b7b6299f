import { warn } from '../../src/base/warn';

it('says a thing once, as a warning of the process with a code', () => {
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const log = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  warn('SOMETHING', 'It works, but slowly.');
  warn('SOMETHING', 'It works, but slowly.');
  warn('SOMETHING', 'Another thing.');
  expect(emit.mock.calls).toEqual([
    ['It works, but slowly.', { type: 'SegGptWarning', code: 'SEGGPT_SOMETHING' }],
    ['Another thing.', { type: 'SegGptWarning', code: 'SEGGPT_SOMETHING' }],
  ]);
  expect(log).not.toHaveBeenCalled();
  emit.mockRestore();
  log.mockRestore();
});
