//! Lists that are read page by page: a person who asks for many rows, or for all, gets them.

use patchwright_app::AppError;
use patchwright_protocol::fleet::Page;

/// Rows that a use case gives at once.
const PAGE: u32 = 500;

/// So many rows, or all of them for 0. `page` reads some after a cursor.
pub(super) async fn rows<T>(
    limit: u32,
    page: impl AsyncFn(Option<String>, u32) -> Result<Page<T>, AppError>,
) -> Result<Page<T>, AppError> {
    let mut left = if limit == 0 { u32::MAX } else { limit };
    let mut all = page(None, left.min(PAGE)).await?;
    loop {
        left = left.saturating_sub(PAGE);
        let Some(after) = all.next.take_if(|_| left > 0) else { return Ok(all) };
        let more = page(Some(after), left.min(PAGE)).await?;
        all.items.extend(more.items);
        all.next = more.next;
    }
}
