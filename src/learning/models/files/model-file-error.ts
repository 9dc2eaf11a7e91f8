/** A model file that cannot be used. */

/** The message names the file, what is wrong with it and what would be right: it is made for the operator. */
export class ModelFileError extends Error {
  override readonly name = "ModelFileError";
  /** Path of the file, or what stands for it. */
  readonly file: string;

  constructor(file: string, complaint: string, options?: ErrorOptions) {
    super(`${file}: ${complaint}`, options);
    this.file = file;
  }
}
