import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Flink SQL on a MiniCluster in this process: a tumbling window by the table-valued function, a
 * watermark of the rows' own time, a checkpoint a second; it ends with the log, which closes every
 * window. Environment: PEER_BROKER, PEER_TOPICS,
 * PEER_GROUP, PEER_OUT, PEER_DIR.
 */
public final class ClickThrough {
    public static void main(String[] args) throws Exception {
        var config = new Configuration();
        config.setString("execution.checkpointing.interval", "1 s");
        config.setString("parallelism.default", "" + Runtime.getRuntime().availableProcessors());
        config.setString("table.local-time-zone", "UTC");
        config.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + env("PEER_DIR"));
        var tables = TableEnvironment.create(
                EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(config).build());
        tables.executeSql("""
                CREATE TABLE events (
                  `type` STRING, campaign STRING, ts BIGINT,
                  event_time AS TO_TIMESTAMP_LTZ(ts, 3),
                  WATERMARK FOR event_time AS event_time - INTERVAL '5' MINUTE
                ) WITH (
                  'connector' = 'kafka', 'topic' = '%s', 'format' = 'json',
                  'properties.bootstrap.servers' = '%s', 'properties.group.id' = '%s',
                  'scan.startup.mode' = 'earliest-offset',
                  'scan.bounded.mode' = 'latest-offset'
                )""".formatted(env("PEER_TOPICS").replace(",", ";"), env("PEER_BROKER"), env("PEER_GROUP")));
        tables.executeSql("""
                CREATE TABLE results (
                  campaign STRING, window_start TIMESTAMP(3), impressions BIGINT, clicks BIGINT
                ) WITH (
                  'connector' = 'kafka', 'topic' = '%s', 'format' = 'json',
                  'properties.bootstrap.servers' = '%s'
                )""".formatted(env("PEER_OUT"), env("PEER_BROKER")));
        tables.executeSql("""
                INSERT INTO results
                SELECT campaign, window_start,
                  COUNT(*) FILTER (WHERE `type` = 'ad_impression'),
                  COUNT(*) FILTER (WHERE `type` = 'ad_click')
                FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '10' SECOND))
                GROUP BY campaign, window_start, window_end""").await();
    }

    private static String env(String name) {
        return System.getenv(name);
    }
}
