// Every small change of a source file that a test should notice: one operator, number, word, condition or statement.
import ts from 'typescript';

/** A piece of the text, and what stands there instead. */
export interface Mutation {
  start: number;
  end: number;
  text: string;
}

const SWAPPED: Readonly<Record<string, readonly string[]>> = {
  '<': ['<='],
  '<=': ['<'],
  '>': ['>='],
  '>=': ['>'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '+=': ['-='],
  '-=': ['+='],
  '*=': ['/='],
  '/=': ['*='],
  '??=': ['='],
  '++': ['--'],
  '--': ['++'],
  min: ['max'],
  max: ['min'],
  floor: ['ceil'],
  ceil: ['floor'],
  round: ['floor', 'ceil'],
  some: ['every'],
  every: ['some'],
  true: ['false'],
  false: ['true'],
};

/** All mutations of a TypeScript file, in order. Types, imports and texts for people have none. */
export function mutationsOf(source: ts.SourceFile): Mutation[] {
  const found: Mutation[] = [];
  const at = (node: ts.Node, ...texts: readonly string[]): void => {
    for (const text of texts) found.push({ start: node.getStart(source), end: node.end, text });
  };
  const swap = (node: ts.Node): void => at(node, ...(SWAPPED[node.getText(source)] ?? []));
  const condition = (node: ts.Expression, ...values: readonly string[]): void => {
    if (node.kind !== ts.SyntaxKind.TrueKeyword) at(node, ...values);
  };

  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return;
    if (ts.isTypeAliasDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isIfStatement(node)) condition(node.expression, 'true', 'false');
    if (ts.isConditionalExpression(node)) condition(node.condition, 'true', 'false');
    if (ts.isWhileStatement(node)) condition(node.expression, 'false');
    if (ts.isBinaryExpression(node)) ofBinary(node);
    if (ts.isPrefixUnaryExpression(node)) ofUnary(node);
    if (ts.isPostfixUnaryExpression(node))
      at(
        node,
        `${node.operand.getText(source)}${node.operator === ts.SyntaxKind.PlusPlusToken ? '--' : '++'}`,
      );
    if (ts.isNumericLiteral(node)) at(node, doubled(node.getText(source)));
    if (ts.isStringLiteral(node) && isWord(node)) at(node, "'?'");
    if (isPattern(node, source)) at(node, ...shorterPatterns(node.getText(source)));
    if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword) swap(node);
    if (ts.isPropertyAccessExpression(node)) ofProperty(node);
    if (ts.isExpressionStatement(node)) at(node, ';');
    if (ts.isArrayLiteralExpression(node)) ofArray(node);
    ts.forEachChild(node, visit);
  };

  const ofBinary = ({ left, operatorToken, right }: ts.BinaryExpression): void => {
    const isOfTexts = [left, right].some(
      (side) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side),
    );
    const [first, second] = [left.getText(source), right.getText(source)];
    if (['&&', '||', '??'].includes(operatorToken.getText(source)))
      at(left.parent, `(${first})`, `(${second})`);
    else if (!isOfTexts) swap(operatorToken);
  };

  const ofUnary = (node: ts.PrefixUnaryExpression): void => {
    const operand = node.operand.getText(source);
    const other = { [ts.SyntaxKind.PlusPlusToken]: '--', [ts.SyntaxKind.MinusMinusToken]: '++' };
    at(node, `${other[node.operator as keyof typeof other] ?? ''}${operand}`);
  };

  const ofProperty = (node: ts.PropertyAccessExpression): void => {
    if (node.questionDotToken !== undefined) at(node.questionDotToken, '.');
    if (node.getText(source) === 'Number.POSITIVE_INFINITY') at(node, '1');
    else if (ts.isCallExpression(node.parent) && node.parent.expression === node) swap(node.name);
  };

  const ofArray = (node: ts.ArrayLiteralExpression): void => {
    if (ts.isVariableDeclaration(node.parent) && ts.isArrayBindingPattern(node.parent.name)) return;
    const elements = node.elements.map((element) => element.getText(source));
    for (const place of elements.keys()) at(node, `[${elements.toSpliced(place, 1).join(', ')}]`);
  };

  visit(source);
  return found.sort((a, b) => a.start - b.start);
}

function doubled(digits: string): string {
  const value = Number(digits.replaceAll('_', ''));
  return value === 0 ? '1' : value === 1 ? '0' : String(value * 2);
}

/** A status, a kind or a code: what a program compares. */
function isWord(node: ts.StringLiteral): boolean {
  return /^[\w:-]+$/.test(node.text);
}

/** A text that a pattern is made of. */
function isPattern(node: ts.Node, source: ts.SourceFile): boolean {
  if (ts.isRegularExpressionLiteral(node)) return true;
  return (
    (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) && node.getText(source).includes('|')
  );
}

/** A pattern without one of its alternatives, assertions or flags. */
function shorterPatterns(pattern: string): string[] {
  const shorter: string[] = [];
  // Escapes (doubled inside a text), classes, what a template puts in, and the heads of groups are one token each.
  const tokens =
    pattern.match(/\\\\?.|\[(?:\\.|[^\]])*\]|\$\{[^}]*\}|\((?:\?(?:[:=!]|<[=!]))?|[\s\S]/g) ?? [];
  const without = (from: number, to: number): void => {
    shorter.push([...tokens.slice(0, from), ...tokens.slice(to)].join(''));
  };
  const isEnd = (at: number): boolean => at === tokens.findLastIndex((token) => /^['"`/]$/.test(token));
  const groups = [{ begin: 1, bar: -1 }];
  for (const [at, token] of tokens.entries()) {
    const group = groups.at(-1);
    if (['^', '$', '\\b', '\\\\b'].includes(token)) without(at, at + 1);
    if (token.startsWith('(')) groups.push({ begin: at + 1, bar: -1 });
    if (group === undefined) continue;
    if (token === '|') {
      without(group.begin, at + 1);
      Object.assign(group, { begin: at + 1, bar: at });
    } else if (token === ')' || isEnd(at)) {
      if (group.bar >= 0) without(group.bar, at);
      groups.pop();
    }
  }
  if (/\/[a-z]*i[a-z]*$/.test(pattern)) shorter.push(pattern.replace(/i([a-z]*)$/, '$1'));
  return shorter;
}
