/** Tells Stryker to leave the messages of errors as they are: tests of prose say little. */
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'messages', {
    shouldIgnore(path) {
      const isError = path.isNewExpression() && /Error$/.test(path.node.callee.name ?? '');
      return isError ? 'the message of an error' : undefined;
    },
  }),
];
