import { fileURLToPath } from "node:url";
import { z } from "zod";
import { containerRows } from "./container-rows.ts";
import { fillMessages } from "./fill.ts";
import { tempHome } from "./home.ts";
import { liveHost } from "./live-host.ts";
import { alternate, timed } from "./measure.ts";
import { emptyNode, startToReady } from "./processes.ts";
import { scheduleFigures } from "./schedule.ts";
import { whatsAppRows } from "./whatsapp-rows.ts";
import { renderTable, row, type Row } from "./table.ts";

const MANY = 1_000_000;
const NODE = "node -e 0";

const say = (line: string) => void process.stderr.write(`${line}\n`);

say("A turn of the agent ...");
const rows: Row[] = [...(await turnRows())];
say("Containers ...");
rows.push(...(await containerRows(say)));
say("Tool calls ...");
rows.push(...(await toolRows()));
say("WhatsApp ...");
rows.push(...(await whatsAppRows()));
say("The schedule ...");
const schedule = await scheduleFigures();
say("Starting ...");
rows.push(...(await startRows()));
say(`A store with ${MANY} messages ...`);
rows.push(...(await storeRows()));
process.stdout.write(`\n${renderTable(rows)}\n${schedule}`);

async function turnRows(): Promise<Row[]> {
  await using home = await tempHome();
  await using host = await liveHost(home.path);
  const { node, turn, tool } = await alternate(30, {
    node: () => timed(emptyNode),
    turn: () => timed(() => host.say("help")),
    tool: () => timed(() => host.say("list my reminders")),
  });
  return [
    row(
      "turn",
      turn,
      NODE,
      node,
      "a message is posted to the host's socket, answered by the offline agent, and its event is back",
    ),
    row("turn with a tool", tool, NODE, node, "the same when the agent asks the host for the list of reminders first"),
  ];
}

async function toolRows(): Promise<Row[]> {
  await using home = await tempHome();
  const caller = fileURLToPath(new URL("tool-caller.ts", import.meta.url));
  await using host = await liveHost(home.path, { runner: [process.execPath, caller] });
  const samples = z.array(z.number());
  const said = z.object({ files: samples, mcp: samples, echo: samples }).parse(JSON.parse(await host.say("go")));
  const against = "file echo";
  return [
    row(
      "tool call, files",
      said.files,
      against,
      said.echo,
      "a request file is written, the host executes list_tasks, its response is read",
    ),
    row(
      "tool call, MCP",
      said.mcp,
      against,
      said.echo,
      "the same through an MCP client and the runner's MCP server over stdio",
    ),
  ];
}

async function startRows(): Promise<Row[]> {
  await using home = await tempHome();
  const { node, start } = await alternate(20, {
    node: () => timed(emptyNode),
    start: () => startToReady(home.path),
  });
  return [row("start", start, NODE, node, "bin/nanoclaw start, from spawn to the line that says it runs")];
}

async function storeRows(): Promise<Row[]> {
  await using small = await tempHome();
  await using big = await tempHome();
  for (const { path } of [small, big]) await startToReady(path);
  fillMessages(small.path, 1);
  const filling = await timed(() => Promise.resolve(fillMessages(big.path, MANY)));
  say(`  filled in ${(filling / 1000).toFixed(0)} s`);
  const starts = await alternate(8, {
    few: () => startToReady(small.path),
    many: () => startToReady(big.path),
  });
  await using fewHost = await liveHost(small.path);
  await using manyHost = await liveHost(big.path);
  const turns = await alternate(30, {
    few: () => timed(() => fewHost.say("help")),
    many: () => timed(() => manyHost.say("help")),
  });
  return [
    row(
      "turn, 10^6 messages",
      turns.many,
      "with 1",
      turns.few,
      "the turn above in a store with a million messages in its chat",
    ),
    row(
      "start, 10^6 messages",
      starts.many,
      "with 1",
      starts.few,
      "the start above, with the check that the database is whole",
    ),
  ];
}
