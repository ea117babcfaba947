//! Generations: recorded in one call, exactly as they were sent.
