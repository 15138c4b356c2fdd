// Reads JSON on standard input and prints one value of it, for the scripts beside this file.
// Each argument is a step: a key, `key=value` for the first entry of a list that has it, `#` for how
// many there are. Nothing is printed for what is not there. Plain JavaScript that Node 20 can read.
import { readFileSync } from "node:fs";

function step(value, name) {
  if (value === null || value === undefined) return undefined;
  if (name === "#") return Array.isArray(value) ? value.length : Object.keys(value).length;
  const [key, wanted] = name.split(/=(.*)/s);
  if (wanted === undefined) return value[name];
  return Array.isArray(value) ? value.find((one) => String(one?.[key]) === wanted) : undefined;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const found = process.argv.slice(2).reduce(step, parsed(readFileSync(0, "utf8")));
if (found !== null && found !== undefined)
  console.log(typeof found === "object" ? JSON.stringify(found) : String(found));
