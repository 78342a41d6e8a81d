# frozen_string_literal: true

module Annoy
  # Version of this gem and of the library in it.
  VERSION = "0.1.0"

  # Version of Annoy whose files are written, and read by it.
  ANNOY_VERSION = "1.17.3"
end
