import { expect, test } from "vitest";
import { looksLike, mimeInWords } from "./media-file-kind.ts";

const bytes = (latin1: string) => Buffer.from(latin1.padEnd(40, "\0"), "latin1");

const kinds: [string, string | null][] = [
  ["\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"],
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["GIF89a", "image/gif"],
  ["RIFF\x24\0\0\0WEBPVP8 ", "image/webp"],
  ["RIFF\x24\0\0\0WAVEfmt ", "audio/wav"],
  ["%PDF-1.7", "application/pdf"],
  ["OggS\0", "audio/ogg"],
  ["\0\0\0\x18ftypmp42", "video/mp4"],
  ["\0\0\0\x18ftypheic", "image/heic"],
  ["PK\x03\x04", "application/zip"],
  ["\x7fELF\x02", "application/x-elf"],
  ["<!DOCTYPE html><html>", "text/html"],
  ["Dear Ann", null],
  ["", null],
];
test.each(kinds)("a file that begins with %j looks like %s", (start, kind) => {
  expect(looksLike(bytes(start))).toBe(kind);
  expect(looksLike(Buffer.from(start, "latin1").subarray(0, 2))).toBe(null);
});

test.each([
  ["image/jpeg", "image/jpeg"],
  ["image/jpg", "image/jpeg"],
  ["audio/ogg; codecs=opus", "audio/ogg"],
  ["audio/mp4", "video/mp4"],
  ["video/quicktime", "video/mp4"],
  ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip"],
  ["application/octet-stream", "application/x-elf"],
  ["text/plain", null],
  ["application/msword", null],
])("a file that is called %s and looks like %s is called so", (claimed, seen) => {
  expect(mimeInWords(claimed, seen)).toBe(claimed);
});

test.each([
  ["image/jpeg", "application/zip", "claims image/jpeg, looks like application/zip"],
  ["application/pdf", "application/x-elf", "claims application/pdf, looks like application/x-elf"],
  ["application/pdf", "text/html", "claims application/pdf, looks like text/html"],
  ["text/plain", "application/x-msdownload", "claims text/plain, looks like application/x-msdownload"],
  ["image/png", "image/jpeg", "claims image/png, looks like image/jpeg"],
  ["image/jpeg", null, "claims image/jpeg, but is none"],
])("a file that is called %s and looks like %s: both are said", (claimed, seen, told) => {
  expect(mimeInWords(claimed, seen)).toBe(told);
});
