/**
 * The path under which this Node is found after an update: Homebrew keeps each version in a folder
 * of its own and removes it, while `opt` always leads to the one in use.
 */
export function stableNode(node: string, exists: (path: string) => boolean): string {
  const [, prefix, formula] = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/bin\/node$/.exec(node) ?? [];
  if (prefix === undefined || formula === undefined) return node;
  const lasting = `${prefix}/opt/${formula}/bin/node`;
  return exists(lasting) ? lasting : node;
}
