/** The candidate closest to a misspelt word; undefined when none is close enough to be what was meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  // A third of the letters may be wrong, at most three: `prot` finds `port`, but `xyz` finds nothing.
  const distanceMax = Math.min(3, Math.max(1, Math.ceil(word.length / 3)));
  let best: string | undefined;
  let bestDistance = distanceMax + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? completed(word, candidates);
}

/** The only candidate that begins with the word: `warn` finds `warning`. */
function completed(word: string, candidates: readonly string[]): string | undefined {
  const found = candidates.filter((candidate) => word.length >= 3 && candidate.startsWith(word));
  return found.length === 1 ? found[0] : undefined;
}

/** Letters inserted, deleted, replaced, or swapped with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, older[j - 2]! + 1);
      }
      current.push(distance);
    }
    older = previous;
    previous = current;
  }
  return previous[b.length]!;
}
