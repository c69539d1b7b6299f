import { maskToRings, type Polygon, type PolygonOptions } from '../../masks/polygons';
import { type Annotated, jsonFile } from '../model/annotated';

/**
 * Outlines as GeoJSON (RFC 7946) in pixels, as QGIS, QuPath and web maps read them: x to the right, y down, (0, 0) at the top left corner of the
 * first pixel, not longitude and latitude. A feature for each mask that is present, a `Polygon` or `MultiPolygon` with its
 * holes as rings; its properties are `label`, `name`, `score` and `area` in pixels. Taken as numbers, exteriors run
 * counter-clockwise and holes clockwise, as the RFC wants it.
 */
export function writeGeoJson({ masks }: Annotated, options: PolygonOptions = {}): Uint8Array {
  const features = masks
    .filter(({ present }) => present)
    .map((mask) => {
      const { label, name, score, area, width, height } = mask;
      const regions = maskToRings(mask.toBinary(), height, width, options).map((rings) =>
        rings.map(closed),
      );
      return {
        type: 'Feature',
        properties: { label, name, score, area },
        geometry:
          regions.length === 1
            ? { type: 'Polygon', coordinates: regions[0] }
            : { type: 'MultiPolygon', coordinates: regions },
      };
    });
  return jsonFile({ type: 'FeatureCollection', features });
}

/** Points of a ring, the first once more at its end. */
function closed(ring: Polygon): [number, number][] {
  const points: [number, number][] = [];
  for (let i = 0; i <= ring.length; i += 2)
    points.push([ring[i % ring.length], ring[(i + 1) % ring.length]]);
  return points;
}
