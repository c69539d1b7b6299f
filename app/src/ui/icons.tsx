/** Line icons on a grid of 24. They say nothing to screen readers: what they stand in does. */
const paths = {
  click: 'M5 4l6 16 2.5-6.5L20 11z',
  box: 'M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4',
  brush: 'M14 6l4 4L9 19c-2 2-5 1-5 1s-1-3 1-5zM16 4l1-1 4 4-1 1',
  eraser: 'M8 20h12M5 15l9-9 6 6-8 8H9z',
  polygon: 'M12 3l9 7-4 10H7L3 10z',
  fill: 'M5 12l7-7 7 7-7 7zM5 12h14M20 16c1.500 2 1.500 4 0 4s-1.500-2 0-4z',
  pan: 'M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3',
  undo: 'M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6',
  redo: 'M15 7l5 5-5 5M20 12H10a6 6 0 0 0-6 6',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  find: 'M10.500 4a6.500 6.500 0 1 0 0 13a6.500 6.500 0 0 0 0-13M15.500 15.500L20 20',
  save: 'M12 4v11M7 10l5 5 5-5M4 20h16',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  check: 'M5 12.500l4.500 4.500L19 7',
  star: 'M12 4l2.500 5.200 5.700.8-4.100 4 1 5.700L12 17l-5.100 2.700 1-5.700-4.100-4 5.700-.8z',
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
