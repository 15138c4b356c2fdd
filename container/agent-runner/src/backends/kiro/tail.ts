export interface Tail {
  push(bytes: Buffer): void;
  bytes(): number;
  text(): string;
}

/** More than is ever shown: a secret that the beginning cuts in two is cut off again after redaction. */
const KEPT_BYTES = 8 * 1024;

/** Counts a stream and keeps its end. */
export function createTail(): Tail {
  let kept = Buffer.alloc(0);
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.length;
      kept = Buffer.concat([kept, chunk.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES);
    },
    bytes: () => bytes,
    text: () => kept.toString("utf8"),
  };
}
