# frozen_string_literal: true

module Annoy
  # The part of {Index} that is about files, and the bytes in them.
  module Files
    # A path as annoy.h takes it: its bytes, whatever its encoding, which are what File takes too.
    # @private
    def self.path(path)
      Vectors.unchanging(File.path(path))
    end

    # @private
    def self.flags(prefault, copy, partial = false)
      (prefault ? Native::ANNOY_LOAD_PREFAULT : 0) | (copy ? Native::ANNOY_LOAD_COPY : 0) |
        (partial ? Native::ANNOY_OPEN_PARTIAL : 0)
    end

    # Makes the index build in a file; {Index#build} then completes it, and no save is needed. To be
    # called before items are added.
    #
    # @return [true]
    # @raise [StateError, FileError]
    def on_disk_build(path)
      @handle.change(:annoy_on_disk_build, Files.path(path))
      true
    end

    # Writes the index to a file, which appears whole or not at all. The index stays as it is.
    #
    # Can be interrupted; what was there before is there still then.
    #
    # @yieldparam done [Integer] how many bytes are written, in the thread of the caller
    # @yieldparam total [Integer]
    # @return [true]
    # @raise [StateError, FileError]
    def save(path, &progress)
      @handle.read_long(:annoy_save_to, Files.path(path), Work.new(&progress))
      true
    end

    # Saves, then loads the new file in place of what is in memory. Can be interrupted.
    #
    # @yieldparam (see #save)
    # @return [true]
    # @raise (see #save)
    def save_and_load(path, prefault: false, copy: false, &progress)
      @handle.change_long(:annoy_save_and_load, Files.path(path), Files.flags(prefault, copy), Work.new(&progress))
      true
    end

    # Maps a file in place of what the index holds. Its metric, f and types must be those of the
    # index. While the file is mapped, nobody may shorten it (the system would end the process) or
    # rewrite it in place (answers may be wrong). Replacing or removing it is fine.
    #
    # @param (see Index.open)
    # @return [true]
    # @raise [FileError]
    def load(path, prefault: false, copy: false)
      @handle.change(:annoy_load, Files.path(path), Files.flags(prefault, copy))
      true
    end

    # Bytes of the caller that are saved with the index, at most 65,536.
    #
    # @return [String]
    def metadata
      length = Native.memory(:size_t)
      @handle.shared do |index|
        Errors.room do |error|
          status = Native.annoy_get_metadata(index, nil, 0, length, error)
          Errors.check(status, error) unless status == Native::ANNOY_ERR_TOO_SMALL
        end
        room = Native.memory(:char, length.get_ulong(0))
        Errors.call { |error| Native.annoy_get_metadata(index, room, room.size, length, error) }
        room.get_bytes(0, length.get_ulong(0))
      end
    end

    # @param bytes [String]
    # @raise [ArgumentError]
    def metadata=(bytes)
      @handle.change(:annoy_set_metadata, bytes, bytes.bytesize)
    end
  end
end
