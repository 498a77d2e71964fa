/** A message on its way to an archive; see `ArchiveRecord` of the store. */
export interface MessageRecord {
  readonly micros: number;
  readonly shard: number;
  readonly sides: number;
  readonly from: string;
  readonly to: string;
  readonly packet: Uint8Array;
  readonly originId: string | null;
  readonly isGroupchat: boolean;
  readonly isSearchable?: boolean | undefined;
}

/** Records by columns, all packets in one piece. */
type Packed = [numbers: number[], texts: string[], packets: Uint8Array];

const SHARD_MASK = 0xff;
const SIDES_SHIFT = 8;
const SIDES_MASK = 3;
const GROUPCHAT = 1 << 10;
const SEARCHABLE = 1 << 11;
const HAS_ORIGIN = 1 << 12;
/** Of each record: time, flags, size of the packet. */
const NUMBERS = 3;

/** Records in a form that is packed and unpacked in half the time: there are many, and they are small. */
export function packRecords(records: readonly MessageRecord[]): Packed {
  const numbers: number[] = [];
  const texts: string[] = [];
  const packets: Uint8Array[] = [];
  for (const record of records) {
    const { micros, from, to, packet, originId } = record;
    numbers.push(micros, flagsOf(record) | (originId === null ? 0 : HAS_ORIGIN), packet.length);
    texts.push(from, to);
    if (originId !== null) texts.push(originId);
    packets.push(packet);
  }
  return [numbers, texts, Buffer.concat(packets)];
}

function flagsOf(record: MessageRecord): number {
  return (
    record.shard |
    (record.sides << SIDES_SHIFT) |
    (record.isGroupchat ? GROUPCHAT : 0) |
    (record.isSearchable === true ? SEARCHABLE : 0)
  );
}

/** What {@link packRecords} made. The packets are views of one buffer. */
export function unpackRecords([numbers, texts, packets]: Packed): MessageRecord[] {
  const records: MessageRecord[] = [];
  let text = 0;
  let start = 0;
  for (let i = 0; i < numbers.length; i += NUMBERS) {
    const flags = numbers[i + 1]!;
    const end = start + numbers[i + 2]!;
    records.push({
      micros: numbers[i]!,
      shard: flags & SHARD_MASK,
      sides: (flags >> SIDES_SHIFT) & SIDES_MASK,
      from: texts[text++]!,
      to: texts[text++]!,
      packet: packets.subarray(start, end),
      originId: (flags & HAS_ORIGIN) === 0 ? null : texts[text++]!,
      isGroupchat: (flags & GROUPCHAT) !== 0,
      isSearchable: (flags & SEARCHABLE) !== 0,
    });
    start = end;
  }
  return records;
}
