//! Splitting pure work over threads. Results come back in the order of the input, so the number of threads never shows.

/// Applies `work` to every item, on `threads` threads; order is kept.
pub(super) fn map<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = threads.clamp(1, 64).min(items.len().max(1));
    if threads == 1 {
        return items.iter().map(work).collect();
    }
    // Small portions handed out by a counter: one kernel costs as much as a thousand other names.
    let portion = (items.len() / (threads * 64)).max(1);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let run = || {
        let mut out: Vec<(usize, Vec<R>)> = Vec::new();
        loop {
            let start = next.fetch_add(portion, std::sync::atomic::Ordering::Relaxed);
            let end = start.saturating_add(portion).min(items.len());
            let Some(part) = items.get(start..end).filter(|p| !p.is_empty()) else {
                return out;
            };
            out.push((start, part.iter().map(&work).collect()));
        }
    };
    let mut parts: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut parts = run();
        for handle in handles {
            match handle.join() {
                Ok(more) => parts.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        parts
    });
    parts.sort_unstable_by_key(|(start, _)| *start);
    parts.into_iter().flat_map(|(_, part)| part).collect()
}
