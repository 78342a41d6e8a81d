# frozen_string_literal: true

# What the gem annoy-rb is required by where Bundler does it.
require_relative "annoy"
