/**
 * Every public symbol of the built declarations, and every public member of one, has a docblock with words in it. Prints
 * those that have none, and fails.
 */
import { readdirSync } from 'node:fs';
import ts from 'typescript';

const folder = 'dist/node';
const entries = readdirSync(folder)
  .filter((name) => /^[a-z]+\.d\.ts$/.test(name))
  .map((name) => `${folder}/${name}`);
const program = ts.createProgram(entries, {
  skipLibCheck: true,
  types: ['node'],
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
});
const checker = program.getTypeChecker();

const missing = new Map();
let seen = 0;

/** @param where names the symbol for people. */
function look(symbol, where) {
  seen++;
  if (ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() !== '') return;
  // A line of tags alone tells enough where it is a default.
  if (symbol.getJsDocTags(checker).some(({ name }) => name === 'default' || name === 'throws'))
    return;
  const [declaration] = symbol.declarations ?? [];
  missing.set(where, declaration?.getSourceFile().fileName.replace(/.*\/dist\//, 'dist/'));
}

const isHidden = (declaration) =>
  (ts.getCombinedModifierFlags(declaration) &
    (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !==
    0 ||
  (declaration.name && !ts.isIdentifier(declaration.name));

for (const entry of entries) {
  const source = program.getSourceFile(entry);
  const module = checker.getSymbolAtLocation(source);
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol =
      exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    look(symbol, exported.name);
    for (const declaration of symbol.declarations ?? []) {
      const members = ts.isTypeAliasDeclaration(declaration)
        ? ts.isTypeLiteralNode(declaration.type)
          ? declaration.type.members
          : []
        : (declaration.members ?? []);
      for (const member of members) {
        // Constructors of classes that others make, and what is said by a class they extend.
        if (ts.isConstructorDeclaration(member) || isHidden(member)) continue;
        const of = checker.getSymbolAtLocation(member.name ?? member);
        if (of) look(of, `${exported.name}.${of.name}`);
      }
    }
  }
}
for (const [where, file] of missing) console.log(`no docblock: ${where} (${file})`);
console.log(`${seen - missing.size} of ${seen} public symbols and members have docblocks`);
process.exit(missing.size > 0 ? 1 : 0);
