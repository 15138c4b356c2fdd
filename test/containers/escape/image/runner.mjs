// A runner whose agent is taken over: it runs whatever shell scripts the test orders, and answers
// when it is told to. Orders and their outcomes lie in the group's folder.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const ORDERS = "/workspace/group/orders";
const MOST_OUTPUT = 200_000;

async function readInput() {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  process.stdin.pause();
  return text.includes("\n") ? JSON.parse(text.slice(0, text.indexOf("\n"))) : process.exit(0);
}

function shell(script, input) {
  return new Promise((resolve) => {
    const env = { ...process.env, TURN: input.turn, ATTEMPT: String(input.attempt), TOKEN: input.frameToken };
    // Groups of their own: what an order leaves behind is ended with the container, not before.
    const child = spawn("/bin/bash", ["-c", script], { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    let out = "";
    const take = (text) => {
      if (out.length < MOST_OUTPUT) out += text;
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", (error) => resolve({ code: -1, out: String(error) }));
    child.on("exit", (code, signal) => setTimeout(() => resolve({ code: code ?? -1, signal, out }), 20));
  });
}

const say = (input, n, body) => writeSync(1, `${JSON.stringify({ token: input.frameToken, n, body })}\n`);

process.umask(0o022);
writeSync(1, '{"type":"ready","protocol":1}\n');
const input = await readInput();
const inbox = `${ORDERS}/${input.turn}-${input.attempt}`;
mkdirSync(inbox, { recursive: true });
writeFileSync(`${inbox}/input`, JSON.stringify(input));
say(input, 1, { type: "text", text: "taken over" });
for (let order = 1; ; order += 1) {
  while (!existsSync(`${inbox}/${order}`)) await sleep(5);
  const { script, answer } = JSON.parse(readFileSync(`${inbox}/${order}`, "utf8"));
  if (answer !== undefined) {
    say(input, 2, { type: "answer", answer: { status: "ok", text: answer, session: null } });
    process.exit(0);
  }
  writeFileSync(`${inbox}/${order}.tmp`, JSON.stringify(await shell(script, input)));
  renameSync(`${inbox}/${order}.tmp`, `${inbox}/${order}.done`);
}
