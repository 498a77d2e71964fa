/** Where in which file; lines count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Why a file cannot be read any further. */
export class FileProblem extends Error {
  readonly place: Place;

  constructor(place: Place, text: string, options?: ErrorOptions) {
    super(`${place.file}:${place.line}: ${text}`, options);
    this.place = place;
  }
}
