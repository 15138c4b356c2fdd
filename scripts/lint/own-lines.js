/**
 * The length of a function without the functions inside it: a factory that hands out closures is
 * as long as its own steps, and each closure is measured by itself.
 */
export const ownLines = {
  meta: {
    type: "suggestion",
    schema: [{ type: "integer", minimum: 1 }],
    messages: { long: "This function has {{lines}} lines of its own; the limit is {{max}}." },
  },
  create(context) {
    const [max] = context.options;
    const code = context.sourceCode;
    const stack = [];
    const isCode = linesWithCode(code);

    const enter = (node) => stack.push({ node, inner: new Set() });
    const leave = () => {
      const { node, inner } = stack.pop();
      const lines = range(node.loc.start.line, node.loc.end.line).filter((line) => isCode.has(line));
      const own = lines.filter((line) => !inner.has(line)).length;
      if (own > max) context.report({ node, messageId: "long", data: { lines: own, max } });
      for (const line of lines.slice(1)) stack.at(-1)?.inner.add(line);
    };
    return { ":function": enter, ":function:exit": leave };
  },
};

/** Blank lines and comments do not count. */
function linesWithCode(code) {
  const lines = new Set();
  for (const { loc } of code.ast.tokens) for (const line of range(loc.start.line, loc.end.line)) lines.add(line);
  return lines;
}

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
