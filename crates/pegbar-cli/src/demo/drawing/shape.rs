//! Plane shapes as signed distances, and the affine maps that place them.

#![allow(
    clippy::many_single_char_names,
    reason = "the usual letters of affine geometry"
)]

/// A place or a direction, in units; y points down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

pub(super) const fn point(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Point {
    pub(super) fn length(self) -> f32 {
        (self.x * self.x + self.y * self.y).sqrt()
    }
}

/// A map of the plane: `x' = a x + c y + e`, `y' = b x + d y + f`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    a: f32,
    b: f32,
    c: f32,
    d: f32,
    e: f32,
    f: f32,
}

impl Affine {
    pub(super) const fn at(x: f32, y: f32) -> Self {
        Self {
            a: 1.0,
            b: 0.0,
            c: 0.0,
            d: 1.0,
            e: x,
            f: y,
        }
    }

    fn then_inside(self, inner: Self) -> Self {
        Self {
            a: self.a * inner.a + self.c * inner.b,
            b: self.b * inner.a + self.d * inner.b,
            c: self.a * inner.c + self.c * inner.d,
            d: self.b * inner.c + self.d * inner.d,
            e: self.a * inner.e + self.c * inner.f + self.e,
            f: self.b * inner.e + self.d * inner.f + self.f,
        }
    }

    /// The same map with its origin moved by local units.
    pub(super) fn moved(self, x: f32, y: f32) -> Self {
        self.then_inside(Self::at(x, y))
    }

    /// The same map scaled about its origin.
    pub(super) fn scaled(self, x: f32, y: f32) -> Self {
        self.then_inside(Self {
            a: x,
            b: 0.0,
            c: 0.0,
            d: y,
            e: 0.0,
            f: 0.0,
        })
    }

    /// The same map turned clockwise about its origin.
    pub(super) fn turned(self, degrees: f32) -> Self {
        let (sine, cosine) = (sine(degrees), sine(degrees + 90.0));
        self.then_inside(Self {
            a: cosine,
            b: sine,
            c: -sine,
            d: cosine,
            e: 0.0,
            f: 0.0,
        })
    }

    /// The same map turned so that what pointed down points along `direction` (of length 1).
    pub(super) fn hung(self, direction: Point) -> Self {
        let (x, y) = (direction.x, direction.y);
        self.then_inside(Self {
            a: y,
            b: -x,
            c: x,
            d: y,
            e: 0.0,
            f: 0.0,
        })
    }

    pub(super) fn apply(&self, p: Point) -> Point {
        point(
            self.a * p.x + self.c * p.y + self.e,
            self.b * p.x + self.d * p.y + self.f,
        )
    }

    /// `None` where the map flattens the plane.
    pub(super) fn inverse(&self) -> Option<Self> {
        let det = self.a * self.d - self.b * self.c;
        (det.abs() > 1e-6).then(|| Self {
            a: self.d / det,
            b: -self.b / det,
            c: -self.c / det,
            d: self.a / det,
            e: (self.c * self.f - self.d * self.e) / det,
            f: (self.b * self.e - self.a * self.f) / det,
        })
    }
}

/// The sine of an angle, by its Taylor series: the platforms' own differ in the last bit.
fn sine(degrees: f32) -> f32 {
    let mut turned = degrees % 360.0;
    if turned > 180.0 {
        turned -= 360.0;
    } else if turned < -180.0 {
        turned += 360.0;
    }
    if turned > 90.0 {
        turned = 180.0 - turned;
    } else if turned < -90.0 {
        turned = -180.0 - turned;
    }
    let x = turned * (std::f32::consts::PI / 180.0);
    let square = x * x;
    x * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0 * (1.0 - square / 72.0))))
}

/// A shape by its signed distance: negative inside.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Ellipse {
        centre: Point,
        radius: Point,
    },
    /// A stroke whose width changes along its length.
    Stroke {
        from: Point,
        to: Point,
        from_radius: f32,
        to_radius: f32,
    },
    Polygon {
        corners: Vec<Point>,
        rounding: f32,
    },
    Union(Vec<Shape>),
    /// A union whose joint is filled up smoothly.
    Blend {
        shapes: Vec<Shape>,
        softness: f32,
    },
    Both(Box<Shape>, Box<Shape>),
    Without(Box<Shape>, Box<Shape>),
}

pub(super) fn ellipse(x: f32, y: f32, rx: f32, ry: f32) -> Shape {
    Shape::Ellipse {
        centre: point(x, y),
        radius: point(rx, ry),
    }
}

pub(super) fn stroke(from: (f32, f32), from_radius: f32, to: (f32, f32), to_radius: f32) -> Shape {
    Shape::Stroke {
        from: point(from.0, from.1),
        to: point(to.0, to.1),
        from_radius,
        to_radius,
    }
}

pub(super) fn polygon(corners: &[(f32, f32)], rounding: f32) -> Shape {
    Shape::Polygon {
        corners: corners.iter().map(|(x, y)| point(*x, *y)).collect(),
        rounding,
    }
}

/// A rectangle from its top left to its bottom right corner.
pub(super) fn block(left: f32, top: f32, right: f32, bottom: f32) -> Shape {
    polygon(
        &[(left, top), (right, top), (right, bottom), (left, bottom)],
        0.0,
    )
}

pub(super) fn blend(shapes: Vec<Shape>, softness: f32) -> Shape {
    Shape::Blend { shapes, softness }
}

/// The lower half of a ring: a smile.
pub(super) fn smile(x: f32, y: f32, radius: f32, width: f32) -> Shape {
    let ring = Shape::Without(
        Box::new(ellipse(x, y, radius, radius)),
        Box::new(ellipse(x, y, radius - width, radius - width)),
    );
    let half = block(x - radius, y, x + radius, y + radius);
    Shape::Both(Box::new(ring), Box::new(half))
}

impl Shape {
    pub(super) fn distance(&self, p: Point) -> f32 {
        match self {
            Self::Ellipse { centre, radius } => ellipse_distance(p, *centre, *radius),
            Self::Stroke {
                from,
                to,
                from_radius,
                to_radius,
            } => {
                let (along, off) = (
                    point(to.x - from.x, to.y - from.y),
                    point(p.x - from.x, p.y - from.y),
                );
                let square = along.x * along.x + along.y * along.y;
                let t = if square > 0.0 {
                    ((off.x * along.x + off.y * along.y) / square).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                let radius = from_radius + (to_radius - from_radius) * t;
                point(off.x - along.x * t, off.y - along.y * t).length() - radius
            }
            Self::Polygon { corners, rounding } => polygon_distance(p, corners) - rounding,
            Self::Union(shapes) => shapes
                .iter()
                .map(|s| s.distance(p))
                .fold(f32::MAX, f32::min),
            Self::Blend { shapes, softness } => shapes
                .iter()
                .map(|s| s.distance(p))
                .reduce(|a, b| {
                    let h = (0.5 + 0.5 * (b - a) / softness).clamp(0.0, 1.0);
                    b + (a - b) * h - softness * h * (1.0 - h)
                })
                .unwrap_or(f32::MAX),
            Self::Both(one, other) => one.distance(p).max(other.distance(p)),
            Self::Without(one, hole) => one.distance(p).max(-hole.distance(p)),
        }
    }

    /// A rectangle that holds the whole shape: its least and its greatest corner.
    pub(super) fn bounds(&self) -> (Point, Point) {
        match self {
            Self::Ellipse { centre, radius } => (
                point(centre.x - radius.x, centre.y - radius.y),
                point(centre.x + radius.x, centre.y + radius.y),
            ),
            Self::Stroke {
                from,
                to,
                from_radius,
                to_radius,
            } => {
                let r = from_radius.max(*to_radius);
                (
                    point(from.x.min(to.x) - r, from.y.min(to.y) - r),
                    point(from.x.max(to.x) + r, from.y.max(to.y) + r),
                )
            }
            Self::Polygon { corners, rounding } => corners
                .iter()
                .map(|p| {
                    (
                        point(p.x - rounding, p.y - rounding),
                        point(p.x + rounding, p.y + rounding),
                    )
                })
                .fold(
                    (point(f32::MAX, f32::MAX), point(f32::MIN, f32::MIN)),
                    enclose,
                ),
            Self::Union(shapes) => shapes.iter().map(Self::bounds).fold(
                (point(f32::MAX, f32::MAX), point(f32::MIN, f32::MIN)),
                enclose,
            ),
            Self::Blend { shapes, softness } => {
                let (low, high) = shapes.iter().map(Self::bounds).fold(
                    (point(f32::MAX, f32::MAX), point(f32::MIN, f32::MIN)),
                    enclose,
                );
                (
                    point(low.x - softness, low.y - softness),
                    point(high.x + softness, high.y + softness),
                )
            }
            Self::Both(one, _) | Self::Without(one, _) => one.bounds(),
        }
    }
}

fn enclose(a: (Point, Point), b: (Point, Point)) -> (Point, Point) {
    (
        point(a.0.x.min(b.0.x), a.0.y.min(b.0.y)),
        point(a.1.x.max(b.1.x), a.1.y.max(b.1.y)),
    )
}

/// First-order approximation: exact on the edge, good near it.
fn ellipse_distance(p: Point, centre: Point, radius: Point) -> f32 {
    let q = point(p.x - centre.x, p.y - centre.y);
    let scaled = point(q.x / radius.x, q.y / radius.y).length();
    let slope = point(q.x / (radius.x * radius.x), q.y / (radius.y * radius.y)).length();
    if slope <= 1e-6 {
        return -radius.x.min(radius.y);
    }
    scaled * (scaled - 1.0) / slope
}

fn polygon_distance(p: Point, corners: &[Point]) -> f32 {
    let mut nearest = f32::MAX;
    let mut inside = false;
    for (i, a) in corners.iter().enumerate() {
        let b = corners[(i + 1) % corners.len()];
        let (edge, off) = (point(b.x - a.x, b.y - a.y), point(p.x - a.x, p.y - a.y));
        let square = (edge.x * edge.x + edge.y * edge.y).max(1e-6);
        let t = ((off.x * edge.x + off.y * edge.y) / square).clamp(0.0, 1.0);
        nearest = nearest.min(point(off.x - edge.x * t, off.y - edge.y * t).length());
        if (a.y > p.y) != (b.y > p.y) && p.x < a.x + edge.x * (p.y - a.y) / (b.y - a.y) {
            inside = !inside;
        }
    }
    if inside { -nearest } else { nearest }
}
