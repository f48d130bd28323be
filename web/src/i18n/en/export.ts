// Messages of `export` in English.

export const exporting = {
  "export.title": "Export a recording",
  "export.lead":
    "Makes an ordinary MP4 file, and beside it a proof that shows who sealed it and that nothing was changed.",
  "export.camera": "Camera",
  "export.rendition": "Size",
  "export.main": "Full size",
  "export.sub": "Small",
  "export.from": "From",
  "export.to": "To",
  "export.length": "Length: {length}",
  "export.start": "Export",
  "export.cancel": "Cancel the export",
  "export.progress": "Exporting",
  "export.done": ({ files }: { files: number }) =>
    files === 1 ? "The file is ready." : `${files} files are ready.`,
  "export.video": "Save the video ({size})",
  "export.proof": "Save the proof",
  "export.verify":
    "Keep both files together under the same name. `bartizan verify FILE.mp4` checks them anywhere, without a key.",
  "export.unsigned": ({ frames }: { frames: number }) =>
    frames === 1
      ? "The last frame is so new that it is not signed yet."
      : `The last ${frames} frames are so new that they are not signed yet.`,
  "export.range-wrong": "The end must be after the start.",
  "export.again": "Export another stretch",
  "export.failed-nothing-recorded": "Nothing was recorded in this stretch.",
  "export.failed-too-long": "This stretch is too long for one export. Choose a shorter one.",
  "export.failed-refused":
    "The recording at {time} is not what the sealer signed, so it is not exported. Choose a stretch before or after it.",
  "export.failed-failed": "The export did not work. Try again.",
  "export.clear":
    "The exported video is not encrypted any more. Whoever has the file can watch it.",
} as const;
