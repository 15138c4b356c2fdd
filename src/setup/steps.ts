import { engineStep } from "./engine.ts";
import { environmentStep } from "./environment.ts";
import { groupsStep } from "./groups.ts";
import { imageStep } from "./image.ts";
import { kiroStep } from "./kiro.ts";
import { mainStep } from "./main-chat.ts";
import { mountsStep } from "./mounts.ts";
import { serviceStep } from "./service.ts";
import type { Step } from "./step.ts";
import { testStep } from "./test-message.ts";
import { whatsAppStep } from "./whatsapp.ts";

/** In the order of `stepNames`. */
export const steps: readonly Step[] = [
  ...[environmentStep, engineStep, imageStep, kiroStep, whatsAppStep],
  ...[mainStep, groupsStep, mountsStep, serviceStep, testStep],
];
