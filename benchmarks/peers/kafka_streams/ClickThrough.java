import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Kafka Streams: re-keyed by campaign, aggregated in tumbling windows with a grace period, every
 * commit's updates to a topic. Environment: PEER_BROKER, PEER_TOPICS, PEER_GROUP, PEER_OUT, PEER_DIR.
 */
public final class ClickThrough {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** As much of an event as is counted. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Event(String type, String campaign) {}

    /** What a window holds. */
    record Counts(long impressions, long clicks) {
        Counts plus(String type) {
            return type.equals("ad_click")
                    ? new Counts(impressions, clicks + 1)
                    : new Counts(impressions + 1, clicks);
        }
    }

    /** What is written out. */
    public record Result(String campaign, long window_start_ms, long impressions, long clicks) {}

    public static void main(String[] args) {
        var config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, env("PEER_GROUP"));
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, env("PEER_BROKER"));
        config.put(StreamsConfig.STATE_DIR_CONFIG, env("PEER_DIR"));
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Runtime.getRuntime().availableProcessors());
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");

        var builder = new StreamsBuilder();
        Serde<Counts> counts = Serdes.serdeFrom(
                (topic, c) -> c == null ? null
                        : ByteBuffer.allocate(16).putLong(c.impressions()).putLong(c.clicks()).array(),
                (topic, b) -> b == null ? null
                        : new Counts(ByteBuffer.wrap(b).getLong(), ByteBuffer.wrap(b).getLong(8)));
        builder.stream(
                        List.of(env("PEER_TOPICS").split(",")),
                        Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .map((key, value) -> {
                    var event = read(value);
                    return KeyValue.pair(event.campaign(), event.type());
                })
                .groupByKey(Grouped.with(Serdes.String(), Serdes.String()))
                .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofSeconds(10), Duration.ofMinutes(5)))
                .aggregate(
                        () -> new Counts(0, 0),
                        (campaign, type, c) -> c.plus(type),
                        Materialized.<String, Counts, WindowStore<Bytes, byte[]>>as("counts")
                                .withKeySerde(Serdes.String())
                                .withValueSerde(counts))
                .toStream()
                .map((window, c) -> KeyValue.pair(
                        window.key(),
                        write(new Result(window.key(), window.window().start(), c.impressions(), c.clicks()))))
                .to(env("PEER_OUT"), Produced.with(Serdes.String(), Serdes.ByteArray()));

        var streams = new KafkaStreams(builder.build(), config);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Event read(byte[] value) {
        try {
            return JSON.readValue(value, Event.class);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static byte[] write(Result result) {
        try {
            return JSON.writeValueAsBytes(result);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static String env(String name) {
        return System.getenv(name);
    }
}
