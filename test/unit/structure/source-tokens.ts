/**
 * Source files as tokens, read by TypeScript's own scanner, so that the rules beside this file see code and comments for
 * what they are: a banned name in a comment, a string or a regular expression is no offence.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SyntaxKind } from "typescript/unstable/ast";
import { createScanner } from "typescript/unstable/ast/scanner";

/** The repository's root. */
export const ROOT = join(import.meta.dir, "../../..");

/** One token of code; comments are in `doc`. */
export interface Token {
  readonly kind: SyntaxKind;
  readonly text: string;
  /** Line it begins on, from 1. */
  readonly line: number;
  /** Braces, brackets and parentheses that are open around it. */
  readonly depth: number;
  /** A `/** … *​/` comment stands directly before it. */
  readonly documented: boolean;
}

/** A file as the rules see it. */
export interface SourceFile {
  /** From the repository's root, with slashes: `src/main.ts`. */
  readonly path: string;
  readonly text: string;
  readonly tokens: readonly Token[];
}

/** All TypeScript files below a folder of the repository. */
export function readSources(folder: string): SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => sourceOf(path, readFileSync(join(ROOT, path), "utf8")));
}

/** A file with the given content. */
export function sourceOf(path: string, text: string): SourceFile {
  return { path, text, tokens: tokenize(text) };
}

const OPENING = new Set([
  SyntaxKind.OpenBraceToken,
  SyntaxKind.OpenBracketToken,
  SyntaxKind.OpenParenToken,
  SyntaxKind.TemplateHead,
]);
const CLOSING = new Set([
  SyntaxKind.CloseBraceToken,
  SyntaxKind.CloseBracketToken,
  SyntaxKind.CloseParenToken,
  SyntaxKind.TemplateTail,
]);
/** After one of these a slash divides; elsewhere it begins a regular expression. */
const ENDS_EXPRESSION = new Set([
  SyntaxKind.Identifier,
  SyntaxKind.PrivateIdentifier,
  SyntaxKind.NumericLiteral,
  SyntaxKind.BigIntLiteral,
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateTail,
  SyntaxKind.RegularExpressionLiteral,
  SyntaxKind.CloseParenToken,
  SyntaxKind.CloseBracketToken,
  SyntaxKind.CloseBraceToken,
  SyntaxKind.ThisKeyword,
  SyntaxKind.SuperKeyword,
  SyntaxKind.TrueKeyword,
  SyntaxKind.FalseKeyword,
  SyntaxKind.NullKeyword,
]);

function tokenize(text: string): Token[] {
  const scanner = createScanner(false);
  scanner.setText(text);
  const tokens: Token[] = [];
  /** Depths at which a `}` ends the expression of a template rather than a block. */
  const templates: number[] = [];
  let depth = 0;
  let line = 1;
  let counted = 0;
  let documented = false;
  for (;;) {
    let kind = scanner.scan();
    const last = tokens.at(-1)?.kind ?? SyntaxKind.Unknown;
    if (kind === SyntaxKind.CloseBraceToken && templates.at(-1) === depth) kind = scanner.reScanTemplateToken(false);
    else if ((kind === SyntaxKind.SlashToken || kind === SyntaxKind.SlashEqualsToken) && !ENDS_EXPRESSION.has(last)) {
      kind = scanner.reScanSlashToken();
    }
    if (kind === SyntaxKind.EndOfFile) return tokens;
    if (kind === SyntaxKind.MultiLineCommentTrivia) documented = scanner.getTokenText().startsWith("/**");
    if (isTrivia(kind)) continue;
    const start = scanner.getTokenStart();
    for (; counted < start; counted++) if (text.charCodeAt(counted) === 10) line++;
    if (CLOSING.has(kind)) depth--;
    if (kind === SyntaxKind.TemplateTail) templates.pop();
    tokens.push({ kind, text: scanner.getTokenText(), line, depth, documented });
    documented = false;
    if (kind === SyntaxKind.TemplateHead) templates.push(depth + 1);
    if (OPENING.has(kind)) depth++;
  }
}

function isTrivia(kind: SyntaxKind): boolean {
  return (
    kind === SyntaxKind.WhitespaceTrivia ||
    kind === SyntaxKind.NewLineTrivia ||
    kind === SyntaxKind.SingleLineCommentTrivia ||
    kind === SyntaxKind.MultiLineCommentTrivia
  );
}
