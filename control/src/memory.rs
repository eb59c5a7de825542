//! How the kernel gives this process memory.

/// Asks for small pages only. The allocator's arenas are sparse: of a huge page that holds a few used kilobytes all two
/// megabytes stay resident, which is most of an idle service and a third of a call. The allocator is built not to ask
/// for them (`no_thp`); this is for kernels that make them unasked (`transparent_hugepage=always`). Call it before
/// threads start and memory is used. Where the kernel refuses, nothing else is lost.
pub fn use_small_pages() {
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
