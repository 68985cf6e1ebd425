use headwater_dynamo_schema::DynamoEntities;

#[derive(DynamoEntities)]
struct NoEnum;

#[derive(DynamoEntities)]
enum Empty {}

#[derive(DynamoEntities)]
enum Odd {
    Unit,
    Two(u8, u8),
    Named { one: u8 },
}

fn main() {}
