#pragma once
// The proof frame of suite 1 and the shape of a run, fixed offsets, read before any msgpack:
//
//   0         1       2      3             4     6     8     10      12               76
//   | version | suite | kind | path length | u16 i | u16 n | u16 k | u16 zero | signature (64) |
//   76: path length times 32 bytes, from the leaf up | certificate to the end of the frame
//
// and the contents frame: k items, each u32 length | content. An item that is left out has length
// 0xFFFFFFFF and its 32-byte digest M instead. Integers are big-endian.
//
// Threads:   free functions and values; any thread.
// Ownership: everything read is a view into the caller's frames.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "signing/digest.hpp"
#include "signing/refusal.hpp"
#include "signing/trust_store.hpp"

namespace weft::signing {

inline constexpr std::uint8_t proof_version = 1;
inline constexpr std::uint8_t suite_1 = 1;
inline constexpr std::size_t proof_fixed_bytes = 76;
inline constexpr std::size_t run_messages_max = 256;
inline constexpr std::size_t batch_runs_max = 256;
inline constexpr std::uint32_t item_left_out = 0xFFFFFFFF;

/// What one ZeroMQ message holds. Views: the caller keeps the frames alive.
struct RunFrames {
    std::string_view topic, contents, proof;
};

struct Limits {
    std::size_t content_bytes_max = std::size_t{4} * 1024 * 1024;
    std::size_t contents_frame_bytes_max = std::size_t{8} * 1024 * 1024;  ///< >= content + 4.
};

struct ProofFields {
    Kind kind;
    std::uint16_t i, n, k;
    std::string_view signature;  ///< 64 bytes
    std::string_view path;       ///< path length times 32 bytes
    std::string_view certificate;
};

/// Checks version, suite, kind, numbers, lengths: no hashing, no allocation on success.
[[nodiscard]] tl::expected<ProofFields, Refused> read_proof(std::string_view frame);

/// The frame that read_proof() reads back. Replaces what `frame` held and keeps its memory. The
/// fields must be ones that read_proof() would accept (asserted).
void write_proof(const ProofFields& fields, std::string& frame);

/// How many hashes lead from leaf i of n to the root; a last node without a sibling moves up.
[[nodiscard]] std::size_t path_length(std::uint16_t i, std::uint16_t n) noexcept;

/// Appends one item to a contents frame. `content` is shorter than item_left_out (asserted).
void append_item(std::string_view content, std::string& contents);
/// Appends the place of a message that is left out: a journal keeps one message of a run so.
void append_left_out(const Digest& digest, std::string& contents);

/// Walks the items of a contents frame, reading lengths only.
class ItemReader {
public:
    struct Item {
        std::string_view bytes;  ///< The content, or the 32 bytes of M where it was left out.
        bool present;
    };

    explicit ItemReader(std::string_view contents) : rest_(contents) {}
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    /// Nullopt: what is left of the frame is shorter than the next item says.
    [[nodiscard]] std::optional<Item> next() noexcept;

private:
    std::string_view rest_;
};

}  // namespace weft::signing
