export function isBefore(version: string, wanted: string): boolean {
  const [have = [], need = []] = [version, wanted].map((each) => each.split(/[.+-]/).map(Number));
  const at = need.findIndex((part, index) => (have[index] ?? 0) !== part);
  return at >= 0 && (have[at] ?? 0) < (need[at] ?? 0);
}
