/** Line icons on a 24-pixel grid, drawn in the colour of the text around them. */

const PATHS = {
  phone:
    "M6.6 3.5h2.6l1.5 4-2 1.6a12 12 0 0 0 6.2 6.2l1.6-2 4 1.5v2.6a2 2 0 0 1-2.2 2A16.5 16.5 0 0 1 4.6 5.7a2 2 0 0 1 2-2.2Z",
  hangup: "M3 14.6c5-4.8 13-4.8 18 0l-2.2 2.6-3.6-1.4v-2.6a12 12 0 0 0-6.4 0v2.6l-3.6 1.4Z",
  microphone:
    "M12 3.5a2.8 2.8 0 0 0-2.8 2.8v5a2.8 2.8 0 0 0 5.6 0v-5A2.8 2.8 0 0 0 12 3.5ZM6 11a6 6 0 0 0 12 0M12 17v3.5",
  microphoneOff:
    "M14.8 10V6.3a2.8 2.8 0 0 0-5.4-1M9.2 9.5v1.8a2.8 2.8 0 0 0 4.2 2.4M6 11a6 6 0 0 0 9.8 4.6M18 11a6 6 0 0 1-.4 2M12 17v3.5M4 4l16 16",
  camera:
    "M4.5 6.5h9a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.5ZM15 10.8l6-3.3v9l-6-3.3",
  cameraOff:
    "M9 6.5h4.5A1.5 1.5 0 0 1 15 8v4.5M15 15.5v.5a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.5M15 10.8l6-3.3v9l-3-1.6M4 4l16 16",
  statistics: "M4 20h16M6.5 16.5v-5M12 16.5v-10M17.5 16.5v-7",
  logout: "M14 4.5H6.5A1.5 1.5 0 0 0 5 6v12a1.5 1.5 0 0 0 1.5 1.5H14M10.5 12H20M16.5 8.5 20 12l-3.5 3.5",
  close: "M6 6l12 12M18 6 6 18",
} as const;

export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of the product, as in icon.svg. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="mark-ground" />
      <rect x="6" y="10" width="13" height="12" rx="3" class="mark-shape" />
      <path d="m21 14.5 5-3v9l-5-3z" class="mark-shape" />
    </svg>
  );
}
