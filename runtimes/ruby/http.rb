# frozen_string_literal: true

# HTTP/1.1 on sockets, one thread a connection.

require "io/wait"
require "json"
require "set"

module Runtime
  MAX_BODY = 20 * 1024 * 1024 # bytes
  MAX_HEAD = 64 * 1024 # bytes
  IDLE = 60 # seconds that a silent connection is kept

  BODILESS = [204, 205, 304].freeze # statuses whose answers have no body

  # Is an answer that is an error.
  class Failure < StandardError
    attr_reader :code

    def initialize(code, message)
      super(message)
      @code = code
    end
  end

  Answer = Struct.new(:status, :type, :body) do
    def self.error(code, message)
      text = message.dup.force_encoding(Encoding::UTF_8).scrub
      new(code, "application/json", JSON.generate({ code: code, message: text }))
    end
  end

  # A request before its body. Names of fields are in lower case.
  Head = Struct.new(:verb, :version, :fields)

  SINGLE = %w[content-length transfer-encoding].freeze # fields that stand in a head once

  # Ends a connection without an answer.
  class Closed < StandardError; end

  # Reads requests of one client, one after the other.
  class Connection
    @busy = Set.new # those that owe an answer
    @mutex = Mutex.new
    @ending = false

    class << self
      def ending? = @ending

      def busy(connection)
        @mutex.synchronize { @busy << connection }
        yield
      ensure
        @mutex.synchronize { @busy.delete(connection) }
      end

      # Waits for running requests.
      def drain(seconds)
        @ending = true
        limit = now + seconds
        sleep(0.02) while @mutex.synchronize { @busy.any? } && now < limit
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    def initialize(socket)
      @socket = socket
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      @in = String.new(capacity: 1 << 16, encoding: Encoding::BINARY)
    end

    def converse
      Thread.current.report_on_exception = false
      while one
      end
    rescue Closed, SystemCallError, IOError
      nil # the client is gone
    ensure
      @socket.close
    end

    private

    # Answers one request, and says whether the connection stays open.
    def one
      text = head_text
      @bare = text.start_with?("HEAD ")
      self.class.busy(self) do
        head = parse(text)
        Runtime.admit(head)
        check_coding(head)
        write("HTTP/1.1 100 Continue\r\n\r\n") if head.fields.key?("expect")
        body = read_body(head)
        keep = keep?(head)
        reply(answer(body), keep)
        keep
      end
    rescue Failure => e
      reply(Answer.error(e.code, e.message), false)
      discard
      false
    end

    def answer(body)
      Call.new(body).run
    rescue Failure => e # the body was read: the connection is good
      Answer.error(e.code, e.message)
    end

    def keep?(head)
      option = head.fields.fetch("connection", "").downcase
      !self.class.ending? && option != "close" && (head.version == "1" || option == "keep-alive")
    end

    def head_text
      @in.slice!(0, 2) while @in.start_with?("\r\n")
      from = 0
      until (at = @in.index("\r\n\r\n", from))
        raise Failure.new(400, "Bad request: the head is too long") if @in.bytesize > MAX_HEAD

        from = [@in.bytesize - 3, 0].max
        fill
      end
      text = @in.slice!(0, at)
      @in.slice!(0, 4)
      text
    end

    def parse(text)
      first, *lines = text.split("\r\n")
      match = %r{\A([A-Z]+) \S+ HTTP/1\.([01])\z}.match(first) or raise Failure.new(400, "Bad request: not HTTP/1")
      fields = {}
      lines.each do |line|
        name, value = line.split(":", 2)
        raise Failure.new(400, "Bad request: header without a colon") if value.nil?
        raise Failure.new(400, "Bad request: a header's name") if name.match?(/\A\z|[\s[:cntrl:]]/n)
        raise Failure.new(400, "Bad request: a header's value") if value.match?(/[\r\n\0\v\f]/n)

        name = name.downcase
        raise Failure.new(400, "Bad request: two of #{name}") if SINGLE.include?(name) && fields.key?(name)

        fields[name] = value.strip
      end
      Head.new(match[1], match[2], fields)
    end

    # Another reader may see the end of the request at another place.
    def check_coding(head)
      coding = head.fields["transfer-encoding"] or return
      return if coding.casecmp?("chunked") && !head.fields.key?("content-length") && head.version == "1"

      raise Failure.new(400, "Bad request: Transfer-Encoding is not chunked alone")
    end

    def read_body(head)
      return read_chunks if head.fields.key?("transfer-encoding")

      length = head.fields.fetch("content-length", "0")
      raise Failure.new(400, "Bad request: Content-Length is not a number") unless length.match?(/\A\d{1,18}\z/)

      check(length.to_i)
      exactly(length.to_i)
    end

    def read_chunks
      body = String.new(encoding: Encoding::BINARY)
      loop do
        line = line_of(300)
        raise Failure.new(400, "Bad request: the body is not chunked as it says") unless line.match?(/\A\h{1,15}[ \t]*(;|\z)/)

        size = line.to_i(16)
        check(body.bytesize + size)
        return trailers(body) if size.zero?

        body << exactly(size)
        raise Failure.new(400, "Bad request: a chunk is longer than its size") unless exactly(2) == "\r\n"
      end
    end

    def trailers(body)
      left = MAX_HEAD
      until (line = line_of(left)).empty?
        left -= line.bytesize + 2
        raise Failure.new(400, "Bad request: the trailers are too long") if left <= 0
      end
      body
    end

    def check(size)
      raise Failure.new(413, "Body exceeds #{MAX_BODY} bytes") if size > MAX_BODY
    end

    def line_of(limit)
      until (at = @in.index("\r\n"))
        raise Failure.new(400, "Bad request: too long a line") if @in.bytesize > limit

        fill
      end
      line = @in.slice!(0, at)
      @in.slice!(0, 2)
      line
    end

    def exactly(size)
      fill while @in.bytesize < size
      @in.slice!(0, size)
    end

    def fill
      raise Closed unless @socket.wait_readable(IDLE)

      chunk = @socket.read_nonblock(1 << 18, exception: false)
      raise Closed if chunk.nil?

      @in << chunk unless chunk == :wait_readable
    end

    def reply(answer, keep)
      bodiless = BODILESS.include?(answer.status)
      body = bodiless ? "".b : answer.body.b
      length = "Content-Length: #{body.bytesize}\r\n" unless bodiless && answer.status != 205
      write("HTTP/1.1 #{answer.status} Status\r\nContent-Type: #{answer.type}\r\n#{length}" \
            "#{"Connection: close\r\n" unless keep}\r\n".b + (@bare ? "".b : body))
    end

    def write(bytes)
      until bytes.empty?
        n = @socket.write_nonblock(bytes, exception: false)
        if n == :wait_writable
          raise Closed unless @socket.wait_writable(IDLE)
        else
          bytes = bytes.byteslice(n..)
        end
      end
    end

    # Drops what is still coming for a short while: closing before would take
    # the answer away from the client.
    def discard
      @socket.close_write
      1024.times do
        return unless @socket.wait_readable(0.5)
        return if @socket.read_nonblock(1 << 18, exception: false).nil?
      end
    end
  end
end
