import type { SignalDataSet, SignalDataTypeMap, SignalKeyStore } from "baileys";

/** A device's keys, in memory. */
export function createMemoryKeys(): SignalKeyStore {
  const values = new Map<string, unknown>();
  return {
    get: <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
      const found = ids.filter((id) => values.has(`${type} ${id}`));
      return Object.fromEntries(found.map((id) => [id, values.get(`${type} ${id}`) as SignalDataTypeMap[T]]));
    },
    set: (data: SignalDataSet) => {
      for (const [type, entries] of Object.entries(data)) {
        for (const [id, value] of Object.entries(entries)) {
          if (value === null) values.delete(`${type} ${id}`);
          else values.set(`${type} ${id}`, value);
        }
      }
    },
  };
}
